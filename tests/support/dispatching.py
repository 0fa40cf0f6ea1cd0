"""A dispatch without a transport, and the steps of a request's life in it."""

from __future__ import annotations

from typing import Any

from besteffort_router.dispatch import Dispatch, Forward, Outcome, Reply
from besteffort_router.errors import Code
from besteffort_router.ledger import Ledger
from besteffort_router.terms import Arrival
from support.router import request_bytes, settings

OK = Outcome(Code.OK)
LOST = Outcome(Code.UNAVAILABLE, "Socket closed", lost=True)
FULL = Outcome(Code.UNAVAILABLE, "Exceeds maximum queue size")
TWO_OF_EACH = [
    {"name": f"{size}-{place}", "address": "127.0.0.1:1", "sizes": [size], "device": f"{size}-{place}"}
    for size in ("small", "medium", "large")
    for place in (0, 1)
]


class Clock:
    """Gives the times it was told, then the last one for ever."""

    def __init__(self, *times_s: float) -> None:
        self.times_s = list(times_s) or [0.0]

    def __call__(self) -> float:
        return self.times_s.pop(0) if len(self.times_s) > 1 else self.times_s[0]


def dispatch(
    *, ready: tuple[str, ...] = ("small", "medium", "large"), clock: Clock | None = None, **changes: Any
) -> Dispatch:
    found = Dispatch(settings(**changes), Ledger(), clock or Clock())
    set_ready(found, *ready)
    return found


def set_ready(found: Dispatch, *sizes: str) -> None:
    for lane in found.load.lanes:
        ready = lane.backend.size_name in sizes
        found.load.set_ready(0.0, lane.backend.replica, lane.backend.model, ready=ready)


def begin(found: Dispatch, now_s: float = 0.0, **parameters: Any) -> Forward | Reply:
    return found.begin(now_s, Arrival(request_bytes(**parameters)))


def forward(found: Dispatch, now_s: float = 0.0, **parameters: Any) -> Forward:
    step = begin(found, now_s, **parameters)
    assert isinstance(step, Forward), step
    return step


def refused(found: Dispatch, now_s: float = 0.0, **parameters: Any) -> Reply:
    step = begin(found, now_s, **parameters)
    assert isinstance(step, Reply), step
    return step


def finish(found: Dispatch, step: Forward, now_s: float, outcome: Outcome = OK) -> Reply:
    end = found.finish(now_s, step.ticket, outcome)
    assert isinstance(end, Reply), end
    return end


def assert_adds_up(found: Dispatch) -> None:
    ledger = found.ledger
    assert sum(ledger.requests.values()) == sum(ledger.deadlines.values()) + ledger.invalid
    assert sum(ledger.refused.values()) == sum(n for (_, how), n in ledger.deadlines.items() if how == "refused")
    assert sum(lane.own for lane in found.load.lanes) <= found.requests
