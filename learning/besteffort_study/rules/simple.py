"""Rules that weigh little: chance, two choices, one score, slack, and replicas by load. Compiled.

Each takes what may be chosen from, as rules of the core do, and returns a backend, -1 if there is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.rules.chance import drawn

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot
    from besteffort_study.rules.plan import RulePlan

__all__ = ["choose_by_load", "choose_by_score", "choose_by_slack", "choose_of_two", "choose_uniformly", "soonest"]


def soonest(candidates: Candidates) -> int:
    """Return the backend that is predicted first, -1 if none is offered."""
    best = -1
    for j in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[j] < np.inf and (best < 0 or candidates.finish_s[j] < candidates.finish_s[best]):
            best = j
    return best


def choose_uniformly(candidates: Candidates, snapshot: Snapshot) -> int:
    """Any backend that is offered, all with the same chance."""
    offered = 0
    for j in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[j] < np.inf:
            offered += 1
    left = int(drawn(snapshot.sequence, 0) * offered)
    for j in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[j] < np.inf:
            if left == 0:
                return j
            left -= 1
    return -1


def choose_of_two(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """The best size that fits on either of two devices drawn by chance; the sooner one on a tie.

    It fits: numbers[0] x predicted finish + numbers[1] <= 1, in deadlines.
    """
    devices = pool.hosted.shape[0]
    one = int(drawn(snapshot.sequence, 0) * devices)
    other = (one + 1 + int(drawn(snapshot.sequence, 1) * (devices - 1))) % devices
    best, best_quality = -1, -1.0
    for j in range(pool.size_of.shape[0]):
        if pool.device_of[j] != one and pool.device_of[j] != other:
            continue
        if not _fits(request, candidates, plan, j):
            continue
        quality = pool.quality[request.task, pool.size_of[j]]
        sooner = best >= 0 and quality == best_quality and candidates.finish_s[j] < candidates.finish_s[best]
        if quality > best_quality or sooner:
            best, best_quality = j, quality
    return best if best >= 0 else soonest(candidates)


def _fits(request: Request, candidates: Candidates, plan: RulePlan, backend: int) -> bool:
    finish_s = candidates.finish_s[backend]
    return bool(finish_s < np.inf and plan.numbers[0] * finish_s / request.deadline_s + plan.numbers[1] <= 1.0)


def choose_by_load(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """The best size that fits anywhere, on the replica with the least work in flight times requests in flight.

    It fits as in `choose_of_two`. The product is that of LMetric, with units where it has tokens to prefill.
    """
    for size in pool.rank:
        best, least = -1, np.inf
        for j in range(pool.size_of.shape[0]):
            if pool.size_of[j] == size and _fits(request, candidates, plan, j):
                load = (snapshot.units[j] + request.units) * (snapshot.in_flight[j] + 1.0)
                if load < least:
                    best, least = j, load
        if best >= 0:
            return best
    return soonest(candidates)


def choose_by_score(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """The backend with the most quality - e^n0 x predicted finish - e^n1 x backlog - e^n2 x share of its sequences.

    Seconds are in deadlines: one weighted sum of quality, latency and load, as RouteBalance has it.
    """
    best, most = -1, -np.inf
    for j in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[j] < np.inf:
            size = pool.size_of[j]
            latency, load = candidates.finish_s[j] / request.deadline_s, candidates.backlog_s[j] / request.deadline_s
            share = snapshot.in_flight[j] / pool.max_sequences[size]
            cost = math.exp(plan.numbers[0]) * latency + math.exp(plan.numbers[1]) * load
            score = pool.quality[request.task, size] - cost - math.exp(plan.numbers[2]) * share
            if score > most:
                best, most = j, score
    return best


def choose_by_slack(request: Request, candidates: Candidates, pool: Pool, plan: RulePlan) -> int:
    """The size that the table has for the slack on the device with the least backlog, or the next one that is offered.

    Slack in deadlines: 1 - numbers[0] x backlog - numbers[1].
    """
    least = np.inf
    for j in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[j] < np.inf:
            least = min(least, candidates.backlog_s[j])
    slack = 1.0 - plan.numbers[0] * least / request.deadline_s - plan.numbers[1]
    buckets = plan.table.shape[0]
    wanted = int(plan.table[int(min(max(slack * buckets, 0.0), buckets - 1.0)), 0])
    reached = False
    for size in pool.rank:
        reached = reached or size == wanted
        if reached and candidates.backend[size] >= 0:
            return int(candidates.backend[size])
    return soonest(candidates)
