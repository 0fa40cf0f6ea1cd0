"""The rule that knows more than a router: values of states, from many simulations. Compiled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import request_s
from besteffort_study.rules.chance import drawn

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot
    from besteffort_study.rules.plan import RulePlan

__all__ = ["RATES", "buckets_of", "choose_by_table", "state_of", "states_of"]

RATES = 8
"""Buckets of the arrival rate, one for each factor of 2, from an eighth of what all devices can do with the best."""
LEAST_LOAD = 0.125
BUCKETS = (0, 32, 12, 8)
"""Of each group's backlog, by the number of groups."""
STEEPNESS = 3.0
"""Buckets are narrower where there is little backlog: the last one begins at 1.5 deadlines."""
LONGEST = 1.5
BLOCK = 400
"""Requests for which an exploring rule keeps to one threshold."""


def buckets_of(groups: int) -> int:
    """Return the number of buckets of each group's backlog."""
    return BUCKETS[min(groups, len(BUCKETS) - 1)]


def states_of(groups: int, tasks: int) -> int:
    """Return the number of states."""
    return int(buckets_of(groups) ** groups * RATES * tasks)


def state_of(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """Return the state: bucket of the least backlog in each group of devices, bucket of the rate, task."""
    groups = 0
    for device in range(plan.groups.shape[0]):
        groups = max(groups, plan.groups[device] + 1)
    buckets, state = buckets_of(groups), 0
    for group in range(groups):
        least = np.inf
        for j in range(pool.size_of.shape[0]):
            if plan.groups[pool.device_of[j]] == group:
                least = min(least, candidates.backlog_s[j])
        part = min(least / request.deadline_s / LONGEST, 1.0)
        place = math.log(1.0 + STEEPNESS * part) / math.log(1.0 + STEEPNESS)
        state = state * buckets + int(min(place * (buckets - 1), buckets - 1.0))
    load = snapshot.rate_rps * request_s(pool, pool.rank[0], request.units) / pool.hosted.shape[0]
    rate = int(max(min(math.log2(max(load, 1e-9) / LEAST_LOAD), RATES - 1.0), 0.0))
    return int((state * RATES + rate) * pool.quality.shape[0] + request.task)


def choose_by_table(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """The size with the greatest value in this state, on its best backend, and note both.

    numbers: chance that any size is tried instead, and chance that a threshold drawn for some hundred requests decides.
    """
    state = state_of(request, candidates, pool, snapshot, plan)
    size = _size(request, candidates, pool, snapshot, plan, state)
    if size < 0:
        return -1
    if snapshot.sequence < plan.states.shape[0]:
        plan.states[snapshot.sequence], plan.tried[snapshot.sequence] = state, size
    return int(candidates.backend[size])


def _size(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan, state: int) -> int:
    block = snapshot.sequence // BLOCK
    if drawn(snapshot.sequence, 2) < plan.numbers[0]:
        return _any(candidates, drawn(snapshot.sequence, 3))
    if drawn(block, 4) < plan.numbers[1]:
        return _within(request, candidates, pool, drawn(block, 5))
    best = -1
    for ranked in pool.rank:
        size = int(ranked)
        if candidates.backend[size] >= 0 and (best < 0 or plan.table[state, size] > plan.table[state, best]):
            best = size
    return best


def _any(candidates: Candidates, chance: float) -> int:
    sizes = candidates.backend.shape[0]
    first = int(chance * sizes)
    for step in range(sizes):
        if candidates.backend[(first + step) % sizes] >= 0:
            return int((first + step) % sizes)
    return -1


def _within(request: Request, candidates: Candidates, pool: Pool, share: float) -> int:
    """Return the best size that is predicted within a share of the deadline, else the soonest."""
    first = -1
    for ranked in pool.rank:
        size = int(ranked)
        j = candidates.backend[size]
        if j < 0:
            continue
        if candidates.finish_s[j] <= share * request.deadline_s:
            return size
        if first < 0 or candidates.finish_s[j] < candidates.finish_s[candidates.backend[first]]:
            first = size
    return first
