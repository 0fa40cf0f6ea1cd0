"""The decision: a request and a snapshot in, a backend or a refusal out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.latency import candidates
from besteffort_core.learned import best_ready, in_range, q_values
from besteffort_core.model import Candidates, Decision, Reason, Refusal
from besteffort_core.observation import encode
from besteffort_core.policy import Kind
from besteffort_core.utility import worth_until_s

if TYPE_CHECKING:
    from besteffort_core.model import Pool, Request, Snapshot
    from besteffort_core.policy import Policy

__all__ = ["SAFE_SHARE", "STALE_S", "Health", "decide", "route", "timely"]

SAFE_SHARE = 0.9
"""A size is too late when its predicted finish is beyond this share of the time in which an answer is worth something:
predictions err, and what is computed too late has cost others their place."""

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
    return finish_s > SAFE_SHARE * worth_until_s(request.deadline_s, pool.grace_factor)


def timely(request: Request, pool: Pool, found: Candidates) -> Candidates:
    """Return the candidates without those that are predicted too late, if any is left."""
    if hopeless(request, pool, found.finish_s.min()):
        return found
    late = found.finish_s > SAFE_SHARE * worth_until_s(request.deadline_s, pool.grace_factor)
    return Candidates(np.where(late, -1, found.backend), np.where(late, np.inf, found.finish_s), found.backlog_s)


def route(request: Request, pool: Pool, found: Candidates, size: int) -> tuple[int, int, float]:
    """Return (size, backend, predicted seconds) for the chosen size; backend -1 refuses, size -1: none ready.

    This is what the simulator compiles; `decide` says the same with the guard and the reasons around it.
    """
    if size < 0:
        return -1, -1, 0.0
    if hopeless(request, pool, found.finish_s[size]):
        return size, -1, found.finish_s[size]
    return size, int(found.backend[size]), found.finish_s[size]


def decide(
    request: Request, pool: Pool, snapshot: Snapshot, policy: Policy, *, health: Health, pinned: int = -1
) -> Decision:
    """Return what shall happen to a request; `pinned` is the size that the client demands, -1 for none."""
    found = candidates(pool, snapshot)
    ready = [size for size, backend in enumerate(found.backend) if backend >= 0]
    if not ready or (pinned >= 0 and pinned not in ready):
        return Decision(-1, -1, 0.0, policy.rule.reason, Refusal.NO_READY_SIZE)
    shadow = -1
    if pinned >= 0:
        size, reason = pinned, Reason.PINNED
    elif policy.kind is Kind.STATIC or len(ready) > 1:
        size, reason, shadow = _chosen(request, pool, snapshot, found, policy, health)
    else:
        size, reason = ready[0], Reason.ONLY_READY
    if size < 0:
        return Decision(-1, -1, 0.0, reason, Refusal.NO_READY_SIZE)
    finish_s = float(found.finish_s[size])
    refusal = Refusal.HOPELESS if hopeless(request, pool, finish_s) else None
    return Decision(size, int(found.backend[size]), finish_s, reason, refusal, shadow)


def _chosen(
    request: Request, pool: Pool, snapshot: Snapshot, found: Candidates, policy: Policy, health: Health
) -> tuple[int, Reason, int]:
    """Return the size, why, and the size that a shadowed network wanted (-1 for none)."""
    if policy.kind is not Kind.STATIC:
        found = timely(request, pool, found)
    learned, trouble = _learned(request, pool, snapshot, found, policy, health)
    if learned >= 0 and not policy.shadow:
        return learned, Reason.LEARNED, -1
    size = policy.rule.choose(request, found, pool, snapshot, policy.rule.parameters)
    return size, trouble or policy.rule.reason, learned


def _learned(
    request: Request, pool: Pool, snapshot: Snapshot, found: Candidates, policy: Policy, health: Health
) -> tuple[int, Reason | None]:
    """Return the size that the network chooses, or -1 and what keeps it from choosing: the guard."""
    if policy.kind is not Kind.LEARNED:
        return -1, None
    if policy.network is None:
        return -1, Reason.FALLBACK_MISSING
    if health.decision_s > policy.limit_s:
        return -1, Reason.FALLBACK_SLOW
    if health.metrics_age_s > STALE_S:
        return -1, Reason.FALLBACK_STALE
    observation = encode(request, found, pool, snapshot)
    if not in_range(policy.network, observation):
        return -1, Reason.FALLBACK_OUT_OF_RANGE
    return best_ready(q_values(policy.network, observation), found), None
