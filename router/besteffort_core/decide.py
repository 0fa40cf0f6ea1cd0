"""The decision: a request and a snapshot in, a backend or a refusal out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.dqn import best_ready, in_range, observe, q_values
from besteffort_core.general import GENERAL
from besteffort_core.latency import candidates
from besteffort_core.model import Candidates, Decision, Reason, Refusal
from besteffort_core.others import preferred
from besteffort_core.policy import NETWORKS, Kind
from besteffort_core.scorer import Scorer, choose_scored
from besteffort_core.utility import worth_until_s

if TYPE_CHECKING:
    from besteffort_core.dqn import Network
    from besteffort_core.model import Pool, Request, Snapshot
    from besteffort_core.policy import Policy

__all__ = ["SAFE_SHARE", "STALE_S", "Health", "decide", "latest_s", "route", "timely"]

SAFE_SHARE = 0.9
"""A size is too late when its predicted finish is beyond this share of the time in which an answer is worth something:
predictions err, and what is computed too late has cost others their place."""

SAFE_SHARE_GENERATING = 0.65
"""The same for a generation, where something else is predicted earlier than that: the prediction is of the mean output,
and what is much longer would expire after it has had its share of the device."""

STALE_S = 5.0
"""Metrics older than this do not describe the pool that a learned policy was trained to see."""


class Health(NamedTuple):
    """How well the router itself is doing."""

    decision_s: float = 0.0
    """Recent mean duration of a learned decision."""
    metrics_age_s: float = 0.0
    """Age of the oldest scraped metrics; 0 where none are scraped."""


def hopeless(request: Request, pool: Pool, finish_s: float) -> bool:
    """Tell whether an answer predicted in `finish_s` is too late: to queue it would only delay others."""
    return finish_s > latest_s(request, pool)


def latest_s(request: Request, pool: Pool) -> float:
    """Return the predicted seconds beyond which an answer is too late."""
    return SAFE_SHARE * worth_until_s(request.deadline_s, pool.grace_factor)


def timely(request: Request, pool: Pool, found: Candidates) -> Candidates:
    """Return the candidates without those that are predicted too late, if any is left."""
    worth_s = worth_until_s(request.deadline_s, pool.grace_factor)
    limit_s, soonest_s = latest_s(request, pool), found.finish_s.min()
    if request.steps > 0.0 and soonest_s <= SAFE_SHARE_GENERATING * worth_s:
        limit_s = SAFE_SHARE_GENERATING * worth_s
    if soonest_s > limit_s:
        return found
    backend, finish_s = found.backend.copy(), found.finish_s.copy()
    for j in range(finish_s.shape[0]):
        if finish_s[j] > limit_s:
            finish_s[j] = np.inf
    for size in range(backend.shape[0]):
        if backend[size] >= 0 and finish_s[backend[size]] == np.inf:
            backend[size] = -1
    return Candidates(backend, finish_s, found.backlog_s, found.cost_s)


def route(request: Request, pool: Pool, found: Candidates, backend: int) -> tuple[int, int, float]:
    """Return (size, backend, predicted seconds) for the chosen backend; backend -1 refuses, size -1: none ready.

    This is what the simulator compiles; `decide` says the same with the guard and the reasons around it.
    """
    if backend < 0:
        return -1, -1, 0.0
    size, finish_s = int(pool.size_of[backend]), float(found.finish_s[backend])
    if hopeless(request, pool, finish_s):
        return size, -1, finish_s
    return size, backend, finish_s


def decide(
    request: Request, pool: Pool, snapshot: Snapshot, policy: Policy, *, health: Health, pinned: int = -1
) -> Decision:
    """Return what shall happen to a request; `pinned` is the size that the client demands, -1 for none."""
    found = candidates(request, pool, snapshot)
    ready = [size for size, backend in enumerate(found.backend) if backend >= 0]
    if not ready or (pinned >= 0 and pinned not in ready):
        return Decision(-1, -1, 0.0, policy.rule.reason, Refusal.NO_READY_SIZE)
    shadow = -1
    if pinned >= 0:
        backend, reason = int(found.backend[pinned]), Reason.PINNED
    else:
        backend, reason, shadow = _chosen(request, pool, snapshot, found, policy, health)
        if len(ready) == 1 and policy.kind is not Kind.STATIC:
            reason = Reason.ONLY_READY
    if backend < 0:
        return Decision(-1, -1, 0.0, reason, Refusal.NO_READY_SIZE)
    finish_s = float(found.finish_s[backend])
    refusal = Refusal.HOPELESS if hopeless(request, pool, finish_s) else None
    return Decision(int(pool.size_of[backend]), backend, finish_s, reason, refusal, shadow)


def _chosen(
    request: Request, pool: Pool, snapshot: Snapshot, found: Candidates, policy: Policy, health: Health
) -> tuple[int, Reason, int]:
    """Return the backend, why, and the size that a shadowed network wanted (-1 for none)."""
    offered = preferred(pool, found, snapshot.leans_s, latest_s(request, pool))
    in_time = timely(request, pool, offered)
    learned, trouble = _learned(request, pool, snapshot, in_time, policy, health)
    if learned >= 0 and not policy.shadow:
        return learned, trouble or Reason.LEARNED, -1
    known = offered if policy.rule.kind is Kind.STATIC else in_time
    backend = policy.rule.choose(request, known, pool, snapshot, policy.rule.parameters)
    return backend, trouble or policy.rule.reason, int(pool.size_of[learned]) if learned >= 0 else -1


def _learned(
    request: Request, pool: Pool, snapshot: Snapshot, found: Candidates, policy: Policy, health: Health
) -> tuple[int, Reason | None]:
    """Return the backend that the network chooses, or what keeps it from choosing: the guard; -1 leaves it to the rule.

    Where a trained scorer is out of its range the general one chooses in its place: it knows far wider ranges.
    """
    if policy.kind not in NETWORKS:
        return -1, None
    if policy.network is None:
        return -1, Reason.FALLBACK_MISSING
    if health.decision_s > policy.limit_s:
        return -1, Reason.FALLBACK_SLOW
    if health.metrics_age_s > STALE_S:
        return -1, Reason.FALLBACK_STALE
    backend = _asked(request, pool, snapshot, found, policy.network)
    if backend >= 0:
        return backend, None
    if isinstance(policy.network, Scorer):
        backend = choose_scored(request, found, pool, snapshot, GENERAL)
    return backend, Reason.FALLBACK_OUT_OF_RANGE


def _asked(request: Request, pool: Pool, snapshot: Snapshot, found: Candidates, network: Scorer | Network) -> int:
    """Return the backend that a network chooses, -1 where it was not trained for what it sees."""
    if isinstance(network, Scorer):
        return choose_scored(request, found, pool, snapshot, network)
    state = observe(request, pool, snapshot)
    return best_ready(q_values(network, state), found) if in_range(network, state) else -1
