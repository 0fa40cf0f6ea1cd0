"""Pure: how many Triton servers a Deployment should have, from the work that its routers say waits for it.

The backlog of a Deployment is the sum, over its ready servers and over the sizes that they host, of the predicted
seconds of work that wait there. Each router reports that for all routers, as it sees it through Triton's metrics; one
that does not see it says too little, so that of each size on each server the largest report counts. With the backlog
spread evenly over n servers each has target seconds of it at n = backlog / target; that, rounded up, is what is wanted:

- more at once, but no more than double those that are ready: until they are, the backlog shows the lack of them;
- fewer only once fewer have been enough for all of scaleDownDelay, never while a rollout is under way, and, unless
  there was no work at all, no fewer than half of what there was within that time: little backlog does not show how
  near the servers are to having too much;
- where fewer turn out too few within scaleDownDelay, they are not tried again for RETRY_DELAYS of it;
- the same while the backlog is within TOLERANCE of the target, and while no router has said anything for STALE_S.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from besteffort_operator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from besteffort_operator.router_report import BackendReport, Heard
    from besteffort_resource.capacity import Scaling

__all__ = ["Decision", "History", "Reading", "decide", "observe", "reading"]

STALE_S = 15.0
GAP_S = 60.0
"""After so long a silence what was learned before it no longer shows that fewer servers are enough."""
TOLERANCE = 0.1
RETRY_DELAYS = 12


@dataclass(frozen=True)
class Reading:
    """The backlog of a Deployment in seconds of work, its ready servers, and how many were asked for, at a time."""

    at_s: float
    backlog_s: float
    ready: int
    asked: int


@dataclass(frozen=True)
class History:
    """What past readings still say: of equal or smaller values only the newest, so it never grows long."""

    since_s: float
    """Readings have come without a gap since then."""
    newest_s: float
    ready: int
    wants: tuple[tuple[float, int], ...]
    """Servers wanted at a time within scaleDownDelay, falling; the last is the newest."""
    asked: tuple[tuple[float, int], ...]
    """Servers asked for, likewise."""
    floor: int = 0
    """One more than turned out too few..."""
    floor_until_s: float = -math.inf
    """...to be tried again from then on."""


@dataclass(frozen=True)
class Decision:
    """How many servers there should be, and why; the sentence changes only when the decision does."""

    replicas: int
    reason: Reason
    sentence: str


def reading(routers: Iterable[Heard], sizes: Collection[str], asked: int, now_s: float) -> Reading | None:
    """Return the backlog of the Deployment that hosts `sizes`, None where no router knows a ready server of it."""
    lanes: dict[tuple[str, str], float] = {}
    newest_s = -math.inf
    for heard in routers:
        there = _there(heard, sizes)
        if there:
            newest_s = max(newest_s, now_s - heard.age_s)
        for backend in there:
            lane = backend.replica, backend.size
            lanes[lane] = max(lanes.get(lane, 0.0), backend.backlog_s)
    ready = len({replica for replica, _ in lanes})
    return Reading(newest_s, sum(lanes.values()), ready, asked) if lanes else None


def _there(heard: Heard, sizes: Collection[str]) -> list[BackendReport]:
    """Return what a router has said lately of ready servers of some sizes."""
    if heard.report is None or heard.age_s > STALE_S:
        return []
    ready = [backend for backend in heard.report.backends if backend.ready and backend.size in sizes]
    return [backend for backend in ready if math.isfinite(backend.backlog_s)]


def observe(history: History | None, found: Reading, scaling: Scaling) -> History:
    """Return the history with a reading; one that is no newer than the last changes nothing."""
    if history is None:
        history = History(found.at_s, found.at_s, found.ready, (), ())
    elif found.at_s <= history.newest_s:
        return history
    elif found.at_s - history.newest_s > GAP_S:
        history = replace(history, since_s=found.at_s, wants=(), asked=())
    want, since_s = _want(found, scaling.target.backlog_s), found.at_s - scaling.scale_down_delay_s
    return replace(
        _failed(history, found, scaling.scale_down_delay_s),
        newest_s=found.at_s,
        ready=found.ready,
        wants=_extended(history.wants, (found.at_s, want), since_s),
        asked=_extended(history.asked, (found.at_s, found.asked), since_s),
    )


def _failed(history: History, found: Reading, delay_s: float) -> History:
    """Note where more are asked for although more still were there within the delay: fewer have been too few."""
    if not history.asked or not history.asked[-1][1] < found.asked:
        return history
    before = history.asked[-1][1]
    if max(asked for _, asked in history.asked) == before:
        return history
    return replace(history, floor=before + 1, floor_until_s=found.at_s + RETRY_DELAYS * delay_s)


def decide(history: History | None, scaling: Scaling, current: int, now_s: float, *, rolling: bool = False) -> Decision:
    """Return how many servers there should be, from `current` asked for now; `rolling`: a rollout is under way."""
    bounded = min(max(current, scaling.min_replicas), scaling.max_replicas)
    if bounded != current:
        bound = "minReplicas" if bounded > current else "maxReplicas"
        return Decision(bounded, Reason.SCALING, f"from {current} to {bounded}: {bound}")
    if history is None or now_s - history.newest_s > STALE_S:
        return Decision(current, Reason.NO_BACKLOG_KNOWN, "stays: no router has said lately how much work waits")
    if history.wants[-1][1] > current:
        return _raised(history, scaling, current)
    return _lowered(history, scaling, current, now_s, rolling=rolling)


def _raised(history: History, scaling: Scaling, current: int) -> Decision:
    replicas = min(history.wants[-1][1], 2 * history.ready, scaling.max_replicas)
    if current == scaling.max_replicas:
        return Decision(current, Reason.AT_MAX_REPLICAS, "stays: more would be used than maxReplicas allows")
    if replicas <= current:
        return Decision(current, Reason.SCALING, "stays: more would be used, but those asked for are not all ready yet")
    sentence = f"from {current} to {replicas}: more work waits than {scaling.target.backlog} for each server"
    return Decision(replicas, Reason.SCALING, sentence)


def _lowered(history: History, scaling: Scaling, current: int, now_s: float, *, rolling: bool) -> Decision:
    def stays(why: str) -> Decision:
        return Decision(current, Reason.SCALING, f"stays: {why}")

    if max(history.wants[-1][1], scaling.min_replicas) == current:
        return stays("the backlog is at its target")
    since_s = now_s - scaling.scale_down_delay_s
    most = _most(history.wants, since_s)
    half = math.ceil(_most(history.asked, since_s) / 2) if most else 0
    if history.since_s > since_s or max(most, half) >= current:
        return stays(f"fewer would do, but not yet for all of scaleDownDelay, {scaling.scale_down_delay}")
    if rolling:
        return stays("fewer would do, but a rollout is under way")
    floor = history.floor if now_s < history.floor_until_s else 0
    replicas = max(most, half, floor, scaling.min_replicas)
    if replicas >= current:
        return stays("fewer turned out too few not long ago")
    sentence = f"from {current} to {replicas}: that was enough for all of {scaling.scale_down_delay}"
    return Decision(replicas, Reason.SCALING, sentence)


def _most(entries: Sequence[tuple[float, int]], since_s: float) -> int:
    """Return the largest since then, the newest in any case."""
    return max(value for at_s, value in entries if at_s >= since_s or at_s == entries[-1][0])


def _want(found: Reading, target_s: float) -> int:
    """Return the servers wanted; what was asked for where the backlog is near its target."""
    load = found.backlog_s / target_s
    if abs(load - found.asked) <= TOLERANCE * found.asked:
        return found.asked
    return math.ceil(load)


def _extended(
    entries: Sequence[tuple[float, int]], newest: tuple[float, int], since_s: float
) -> tuple[tuple[float, int], ...]:
    """Return the newest, and before it what is larger of the time since `since_s`."""
    return (*((at_s, value) for at_s, value in entries if at_s >= since_s and value > newest[1]), newest)
