from __future__ import annotations

import numpy as np

from besteffort_core.general import GENERAL
from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.pool import Generation
from besteffort_core.scorer import FEATURES, OUTPUTS, choose_scored
from support.pools import gpus, gpus_seen


def chosen(pool: Pool, request: Request, view: Snapshot) -> str:
    backend = choose_scored(request, candidates(request, pool, view), pool, view, GENERAL)
    return ("small", "large")[pool.size_of[backend]]


def test_it_has_a_weight_for_every_feature() -> None:
    assert GENERAL.linear.shape == (len(FEATURES), len(OUTPUTS))
    assert all(np.isfinite(value).all() for value in GENERAL)


def test_an_idle_pool_of_any_size_gives_its_best_and_a_swamped_one_its_fastest() -> None:
    request = Request(0, 0.1, 64)
    for devices in (1, 2, 8):
        pool = gpus(devices)
        assert chosen(pool, request, gpus_seen(pool, [0, 0] * devices, 1.0 * devices)) == "large"
        assert chosen(pool, request, gpus_seen(pool, [0, 700] * devices, 5000.0 * devices)) == "small"


def test_a_generation_does_not_open_a_second_model_on_a_device_that_decodes() -> None:
    pool, request = gpus(2, Generation(150, 40)), Request(0, 1.5, 150, 40.0)
    view = gpus_seen(pool, [0, 0, 0, 0], 60.0)._replace(decoding=np.array([50, 0, 0, 20]))
    backend = choose_scored(request, candidates(request, pool, view), pool, view, GENERAL)
    assert view.decoding[backend] > 0
