from __future__ import annotations

import numpy as np

from besteffort_core.latency import candidates
from besteffort_core.learned import best_ready, choose_learned, in_range, q_values
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.observation import encode
from support.bundles import random_bundle
from support.pools import snapshot


def test_the_values_are_those_of_the_written_out_network() -> None:
    network = random_bundle().network
    observation = np.linspace(-1, 1, network.w1.shape[0]).astype(np.float32)
    hidden = observation.astype(np.float64)
    for weight, bias in ((network.w1, network.b1), (network.w2, network.b2)):
        hidden = np.clip(hidden @ weight + bias, 0, None)
    np.testing.assert_allclose(q_values(network, observation), hidden @ network.w3 + network.b3, rtol=1e-5)


def test_the_best_size_that_is_not_ready_is_passed_over(pool: Pool) -> None:
    values = np.array([1.0, 2.0, 3.0], np.float32)
    assert best_ready(values, candidates(pool, snapshot([0, 0, 0]))) == 2
    assert best_ready(values, candidates(pool, snapshot([0, 0, 0], ready=(True, True, False)))) == 1
    assert best_ready(values, candidates(pool, snapshot([0, 0, 0], ready=(False, False, False)))) == -1


def test_choosing_is_encoding_valuing_and_taking_the_best(pool: Pool, idle: Snapshot) -> None:
    network, request = random_bundle().network, Request(0, 0.3)
    found = candidates(pool, idle)
    wanted = int(np.argmax(q_values(network, encode(request, found, pool, idle))))
    assert choose_learned(request, found, pool, idle, network) == wanted


def test_one_number_past_the_trained_range_is_out_of_range() -> None:
    network = random_bundle().network
    observation = np.zeros(network.w1.shape[0], np.float32)
    assert in_range(network, observation)
    observation[4] = 10.5
    assert not in_range(network, observation)
    observation[4] = np.nan
    assert not in_range(network, observation)
