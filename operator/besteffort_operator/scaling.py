"""Pure: how many Triton servers a Deployment should have, from the work that its routers say waits for it.

The backlog of a Deployment is the sum, over its ready servers and over the sizes that they host, of the predicted
seconds of work that wait there. Routers see each other's requests through Triton's metrics; one that does not sees too
little, so that the largest sum that a router reports counts. With the backlog spread evenly over n servers each has
target seconds of it at n = backlog / target, and that, rounded up, is what is wanted:

- more at once, but within RAISE_S no more than double;
- fewer only once fewer have been enough for all of scaleDownDelay, and never while a rollout is under way;
- the same while the backlog is within TOLERANCE of the target, and while no router has said anything for STALE_S.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_operator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from besteffort_operator.capacity import Scaling
    from besteffort_operator.router_report import Heard, Report

__all__ = ["Decision", "History", "Reading", "decide", "observe", "reading"]

STALE_S = 15.0
GAP_S = 60.0
"""After so long a silence what was learned before it no longer shows that fewer servers are enough."""
RAISE_S = 15.0
TOLERANCE = 0.1


@dataclass(frozen=True)
class Reading:
    """The backlog of a Deployment in seconds of work at a time, while it was asked for a number of servers."""

    at_s: float
    backlog_s: float
    asked: int


@dataclass(frozen=True)
class History:
    """What past readings still say: of equal or smaller wants only the newest, so it never grows long."""

    since_s: float
    """Readings have come without a gap since then."""
    newest_s: float
    wants: tuple[tuple[float, int], ...]
    """Servers wanted at a time, falling; the last is the newest."""
    asked: tuple[tuple[float, int], ...]
    """Servers asked for at a time, rising; the last is the newest."""


@dataclass(frozen=True)
class Decision:
    """How many servers there should be, and why; the sentence changes only when the decision does."""

    replicas: int
    reason: Reason
    sentence: str


def reading(routers: Iterable[Heard], sizes: Collection[str], asked: int, now_s: float) -> Reading | None:
    """Return the backlog of the Deployment that hosts `sizes`, None where no router knows a ready server of it."""
    found = [
        Reading(now_s - heard.age_s, backlog_s, asked)
        for heard in routers
        if heard.report and heard.age_s <= STALE_S and (backlog_s := _backlog_s(heard.report, sizes)) is not None
    ]
    return max(found, key=lambda reading: reading.backlog_s, default=None)


def observe(history: History | None, found: Reading, scaling: Scaling) -> History:
    """Return the history with a reading; one that is no newer than the last changes nothing."""
    if history and found.at_s <= history.newest_s:
        return history
    if history is None or found.at_s - history.newest_s > GAP_S:
        history = History(found.at_s, found.at_s, (), ())
    want, delay_s = _want(found, scaling.target.backlog_s), scaling.scale_down_delay_s
    return History(
        since_s=history.since_s,
        newest_s=found.at_s,
        wants=_extended(history.wants, (found.at_s, want), delay_s, lambda old: old > want),
        asked=_extended(history.asked, (found.at_s, found.asked), RAISE_S, lambda old: old < found.asked),
    )


def decide(history: History | None, scaling: Scaling, current: int, now_s: float, *, rolling: bool = False) -> Decision:
    """Return how many servers there should be, from `current` asked for now; `rolling`: a rollout is under way."""
    bounded = min(max(current, scaling.min_replicas), scaling.max_replicas)
    if bounded != current:
        bound = "minReplicas" if bounded > current else "maxReplicas"
        return Decision(bounded, Reason.SCALING, f"from {current} to {bounded}: {bound}")
    if history is None or now_s - history.newest_s > STALE_S:
        return Decision(current, Reason.NO_BACKLOG_KNOWN, "stays: no router has said lately how much work waits")
    if history.wants[-1][1] > current:
        return _raised(history, scaling, current, now_s)
    return _lowered(history, scaling, current, now_s, rolling=rolling)


def _raised(history: History, scaling: Scaling, current: int, now_s: float) -> Decision:
    want = history.wants[-1][1]
    before = min(asked for at_s, asked in (*history.asked, (now_s, current)) if at_s > now_s - RAISE_S)
    replicas = max(current, min(want, 2 * before, scaling.max_replicas))
    if current == scaling.max_replicas:
        return Decision(current, Reason.AT_MAX_REPLICAS, "stays: more would be used than maxReplicas allows")
    if replicas == current:
        return Decision(current, Reason.SCALING, f"stays for now: doubles no more than once in {RAISE_S:.0f} s")
    sentence = f"from {current} to {replicas}: more work waits than {scaling.target.backlog} for each server"
    return Decision(replicas, Reason.SCALING, sentence)


def _lowered(history: History, scaling: Scaling, current: int, now_s: float, *, rolling: bool) -> Decision:
    if max(history.wants[-1][1], scaling.min_replicas) == current:
        return Decision(current, Reason.SCALING, "stays: the backlog is at its target")
    since_s = now_s - scaling.scale_down_delay_s
    most = max(want for at_s, want in history.wants if at_s >= since_s or at_s == history.newest_s)
    replicas = max(most, scaling.min_replicas)
    if history.since_s > since_s or replicas >= current:
        sentence = f"stays: fewer would do, but not yet for all of scaleDownDelay, {scaling.scale_down_delay}"
        return Decision(current, Reason.SCALING, sentence)
    if rolling:
        return Decision(current, Reason.SCALING, "stays: fewer would do, but a rollout is under way")
    sentence = f"from {current} to {replicas}: that was enough for all of {scaling.scale_down_delay}"
    return Decision(replicas, Reason.SCALING, sentence)


def _want(found: Reading, target_s: float) -> int:
    """Return the servers wanted; what was asked for where the backlog is near its target."""
    load = found.backlog_s / target_s
    if abs(load - found.asked) <= TOLERANCE * found.asked:
        return found.asked
    return math.ceil(load)


def _extended(
    entries: Sequence[tuple[float, int]], newest: tuple[float, int], span_s: float, keeps: Callable[[int], bool]
) -> tuple[tuple[float, int], ...]:
    """Return the entries of the last `span_s` that still count beside the newest, and the newest."""
    since_s = newest[0] - span_s
    return (*((at_s, value) for at_s, value in entries if at_s >= since_s and keeps(value)), newest)


def _backlog_s(report: Report, sizes: Collection[str]) -> float | None:
    found = [backend.backlog_s for backend in report.backends if backend.ready and backend.size in sizes]
    return sum(found) if found and all(map(math.isfinite, found)) else None
