"""Of the same answers and expiries the live router learns what the simulated one does."""

from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.latency import candidates
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.model import ANSWERED, EXPIRED
from besteffort_sim.simulator import request_of, simulate, snapshot_of
from support.dispatching import dispatch
from support.worlds import pool_of, workload_of, world_of

DEADLINE_S = 0.3


@pytest.mark.parametrize("slowness", [0.6, 1.3, 3.0])
def test_a_lane_and_the_simulated_router_have_the_same_corrections(slowness: float) -> None:
    pool = pool_of({1: 0.02})
    arrival_s = np.cumsum(np.random.default_rng(5).exponential(0.018, 800))
    world, workload = world_of(pool, slowness=slowness), workload_of(arrival_s.tolist(), DEADLINE_S)
    log = simulate(pool, world, workload, build_plan(Kind.STATIC, np.array([0.0])), trail=True)
    lane, ends = dispatch().load.lanes[0], []
    for k, now_s in enumerate(arrival_s):
        for end_s, profiled_s, observed_s, answered in sorted(end for end in ends if end[0] <= now_s):
            lane.learn(end_s, profiled_s, observed_s, answered=answered)
        ends = [end for end in ends if end[0] > now_s]
        assert lane.correction(now_s) == pytest.approx(log.correction[k, 0])
        if log.outcome[k] in (ANSWERED, EXPIRED):
            answered = log.outcome[k] == ANSWERED
            snapshot = snapshot_of(log, world, k)
            predicted_s = candidates(request_of(workload, k, snapshot), pool, snapshot).finish_s[0]
            observed_s = log.latency_s[k] if answered else DEADLINE_S
            ends.append((now_s + observed_s, predicted_s / log.correction[k, 0], observed_s, answered))
    assert np.ptp(log.correction[:, 0]) > 0.1
    assert (log.outcome == EXPIRED).any() == (slowness > 1.0)
