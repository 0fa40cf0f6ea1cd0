from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import peaks, share_of_peak, summarise
from besteffort_sim.simulator import simulate
from support.worlds import pool_of, workload_of, world_of

STATIC = build_plan(Kind.STATIC, np.array([0.0]))


def test_in_time_late_and_refused_add_up_to_offered() -> None:
    pool = pool_of({1: 1.0}, grace_factor=2.0)
    load = workload_of([0.0, 0.0, 0.0, 0.0, 10.0], 1.25)
    summary = summarise(load, simulate(pool, world_of(pool), load, STATIC), 1)
    assert (summary.offered, summary.in_time, summary.late, summary.refused) == (5, 2, 1, 2)
    assert summary.shares == (1.0,)
    assert summary.p50_s == 1.0
    assert math.isclose(summary.reward * 5, 0.5 * (1 + 0.4 + 0 + 0 + 1))


def test_the_peak_of_a_request_is_the_best_size_for_its_task_in_time() -> None:
    pool = pool_of({1: 0.1}, {1: 0.4})._replace(quality=np.array([[0.4, 0.8], [0.5, 0.3]]))
    load = workload_of([0.0, 5.0, 10.0])._replace(task=np.array([0, 1, 0]))
    assert peaks(pool, load).tolist() == [0.8, 0.5, 0.8]
    log = simulate(pool, world_of(pool), load, build_plan(Kind.STATIC, np.array([1.0])))
    assert share_of_peak(pool, load, log) == pytest.approx((0.8 + 0.3 + 0.8) / 2.1)


def test_nothing_answered_has_no_latency_and_no_quality() -> None:
    pool = pool_of({1: 9.0})
    load = workload_of([0.0], 1.0)
    summary = summarise(load, simulate(pool, world_of(pool), load, STATIC), 1)
    assert (summary.refused, summary.quality, summary.reward, summary.shares) == (1, 0.0, 0.0, (0.0,))
    assert math.isnan(summary.p99_s)
