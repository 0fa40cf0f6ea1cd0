"""The rules that choose a backend, and so a size and a replica.

Each takes the same five values and returns the index of a backend, -1 if none is ready. All of them compile: plain
loops over small arrays, parameters in one array.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from besteffort_core.model import Candidates, Pool, Request, Snapshot
from besteffort_core.utility import worth_until_s

__all__ = [
    "DEFAULT_GREEDY",
    "DEFAULT_LADDER",
    "DEFAULT_PRICE",
    "Choose",
    "Parameters",
    "choose_greedy",
    "choose_ladder",
    "choose_least_loaded",
    "choose_price",
    "choose_round_robin",
    "choose_static",
]

Parameters = np.ndarray[tuple[int], np.dtype[np.float64]]
Choose = Callable[[Request, Candidates, Pool, Snapshot, Any], int]
"""A rule; its last argument is its parameters: an array, or what its kind reads from a bundle."""

PRICE_SHARPNESS = 10.0
"""Steepness of the soft "in time" step, in deadlines."""

DEFAULT_PRICE = np.array([-2.0, 0.3, 2.0, 0.1])
"""Price of work when no bundle brings tuned numbers: level, weight of the rate, weight of the backlog, margin."""

DEFAULT_GREEDY = np.array([1.0, 0.0])
"""Scale of the predicted finish and margin, in deadlines, where no tuned numbers are given."""

DEFAULT_LADDER = np.array([0.15, 0.5])
"""Backlog, in deadlines, up to which the best, the second, ... size is used when no bundle brings tuned numbers."""


def choose_static(
    _request: Request, candidates: Candidates, _pool: Pool, _snapshot: Snapshot, parameters: Parameters
) -> int:
    """Always the size whose index is the one parameter, if it is ready."""
    return int(candidates.backend[int(parameters[0])])


def choose_round_robin(
    _request: Request, candidates: Candidates, _pool: Pool, snapshot: Snapshot, _parameters: Parameters
) -> int:
    """Take the ready sizes in turns."""
    sizes = candidates.backend.shape[0]
    for step in range(sizes):
        backend = candidates.backend[(snapshot.sequence + step) % sizes]
        if backend >= 0:
            return int(backend)
    return -1


def choose_least_loaded(
    _request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, _parameters: Parameters
) -> int:
    """The size with the fewest requests in flight on its best backend; the better size on a tie."""
    best = -1
    for size in pool.rank:
        backend = candidates.backend[size]
        if backend >= 0 and (best < 0 or snapshot.in_flight[backend] < snapshot.in_flight[best]):
            best = backend
    return int(best)


def choose_greedy(
    request: Request, candidates: Candidates, pool: Pool, _snapshot: Snapshot, parameters: Parameters
) -> int:
    """The best size that is predicted in time, else the one predicted first.

    In time: scale x predicted finish + margin <= 1, in deadlines.
    """
    first = -1
    for size in pool.rank:
        backend = candidates.backend[size]
        if backend < 0:
            continue
        if parameters[0] * candidates.finish_s[backend] / request.deadline_s + parameters[1] <= 1.0:
            return int(backend)
        if first < 0 or candidates.finish_s[backend] < candidates.finish_s[first]:
            first = backend
    return int(first)


def choose_ladder(
    request: Request, candidates: Candidates, pool: Pool, _snapshot: Snapshot, parameters: Parameters
) -> int:
    """Step down from the best size as the backlog passes the thresholds, one per size but the last, in deadlines."""
    last = -1
    for step in range(pool.rank.shape[0]):
        backend = candidates.backend[pool.rank[step]]
        if backend < 0:
            continue
        last = backend
        if step < parameters.shape[0] and candidates.backlog_s[backend] <= parameters[step] * request.deadline_s:
            return int(backend)
    return int(last)


def choose_price(
    request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, parameters: Parameters
) -> int:
    """The backend with the most expected quality minus the price of its work.

    Score = quality x sigmoid(sharpness x (slack - margin)) - price x work, with slack and work in deadlines and
    log price = level + rate weight x log(arrivals per deadline) + backlog weight x backlog in deadlines.
    The form is that of a Lagrangian dual: a price for the compute that all requests share.
    """
    deadline_s = request.deadline_s
    limit_s = 0.5 * (deadline_s + worth_until_s(deadline_s, pool.grace_factor))
    log_rate = math.log(max(snapshot.rate_rps * deadline_s, 0.1))
    best, best_score = -1, -np.inf
    for backend in range(candidates.finish_s.shape[0]):
        if candidates.finish_s[backend] == np.inf:
            continue
        log_price = (
            parameters[0] + parameters[1] * log_rate + parameters[2] * candidates.backlog_s[backend] / deadline_s
        )
        slack = (limit_s - candidates.finish_s[backend]) / deadline_s
        in_time = 1.0 / (1.0 + math.exp(-max(min(PRICE_SHARPNESS * (slack - parameters[3]), 50.0), -50.0)))
        price = math.exp(min(log_price, 20.0))
        score = (
            pool.quality[request.task, pool.size_of[backend]] * in_time
            - price * candidates.cost_s[backend] / deadline_s
        )
        if score > best_score:
            best, best_score = backend, score
    return best
