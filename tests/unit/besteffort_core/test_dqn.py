from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_core.dqn import best_ready, in_range, layout_hash, observe, q_values, state_length
from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Request
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from support.bundles import random_dqn
from support.pools import SIZES, TASKS, snapshot

REQUEST = Request(task=1, deadline_s=0.3)


def test_the_state_is_the_task_the_batch_of_each_size_and_the_rate(pool: Pool) -> None:
    state = observe(REQUEST, pool, snapshot([3, 0, 7], rate_rps=20.0))
    assert state.shape == (state_length(len(TASKS), len(SIZES)),)
    assert state[:3].tolist() == [0.0, 1.0, 0.0]
    assert state[3:] == pytest.approx([math.log(4), 0.0, math.log(8), math.log(21)])


def test_the_batch_of_a_size_is_that_of_all_its_backends() -> None:
    sizes = [SizeSpec(name, 0.5, {}, {1: 0.1}) for name in ("small", "large")]
    pool = build_pool((), sizes, [BackendSpec(name, gpu) for gpu in ("a", "b") for name in ("small", "large")])
    seen = snapshot([1, 2, 4, 8], ready=(True, True, True, True))
    assert observe(Request(0, 1.0), pool, seen)[1:3] == pytest.approx([math.log(1 + 5), math.log(1 + 10)])


def test_nothing_else_is_seen(pool: Pool) -> None:
    """Neither deadline, length nor predicted seconds: that is what the paper's state lacks."""
    seen = snapshot([3, 0, 7])
    other = Request(task=1, deadline_s=9.0, units=50, steps=20.0)
    slower = pool._replace(batch_s=2.0 * pool.batch_s)
    assert np.array_equal(observe(REQUEST, pool, seen), observe(other, slower, seen))


def test_the_values_are_those_of_the_written_out_network() -> None:
    network = random_dqn()
    state = np.linspace(-1, 1, network.w1.shape[0]).astype(np.float32)
    hidden = state.astype(np.float64)
    for weight, bias in ((network.w1, network.b1), (network.w2, network.b2)):
        hidden = np.clip(hidden @ weight + bias, 0, None)
    np.testing.assert_allclose(q_values(network, state), hidden @ network.w3 + network.b3, rtol=1e-5)


def test_the_best_size_that_is_not_ready_is_passed_over(pool: Pool) -> None:
    values = np.array([1.0, 2.0, 3.0], np.float32)
    found = (
        candidates(REQUEST, pool, snapshot([0, 0, 0], ready=ready))
        for ready in ((True, True, True), (True, True, False), (False, False, False))
    )
    assert [best_ready(values, one) for one in found] == [2, 1, -1]


def test_one_number_past_the_trained_range_is_out_of_range() -> None:
    network = random_dqn()
    state = np.zeros(network.w1.shape[0], np.float32)
    assert in_range(network, state)
    for number in (10.5, np.nan):
        state[4] = number
        assert not in_range(network, state)


def test_the_hash_changes_with_every_name_and_their_order() -> None:
    pairs = [(("a", "b"), ("s", "l")), (("b", "a"), ("s", "l")), (("a", "b"), ("l", "s")), (("a",), ("s", "l"))]
    assert len({layout_hash(*pair) for pair in pairs}) == 4
    assert layout_hash(["a", "b"], ["s", "l"]) == layout_hash(*pairs[0])
