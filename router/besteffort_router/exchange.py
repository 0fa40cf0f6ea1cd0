"""One request from its arrival to its reply: what the dispatch says is done, until it says that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_router.dispatch import Forward, Outcome
from besteffort_router.errors import Code
from besteffort_router.upstream import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_router.backends import Backends
    from besteffort_router.dispatch import Dispatch, Reply, Ticket
    from besteffort_router.terms import Arrival
    from besteffort_router.upstream import Heard, Metadata

__all__ = ["Exchange"]


class Exchange:
    """All requests, whatever call they came by."""

    def __init__(self, dispatch: Dispatch, backends: Backends, clock: Callable[[], float]) -> None:
        self.dispatch = dispatch
        self._backends = backends
        self._clock = clock

    async def run(self, arrival: Arrival, metadata: Metadata, heard: Heard | None = None) -> tuple[Reply, bytes]:
        """Return the reply to a request and its body; `heard` gets what comes of it before the end, if anything does.

        What was heard cannot be taken back: such a request is not tried elsewhere.
        """
        step = self.dispatch.begin(self._clock(), arrival)
        answer = Answer(Outcome(Code.OK))
        if isinstance(step, Forward):
            ticket = step.ticket
            passed_on = None if heard is None else _noting(ticket, heard)
            try:
                while isinstance(step, Forward):
                    answer = await self._backends.call(
                        step.replica, step.method, step.body, step.timeout_s, metadata, passed_on
                    )
                    step = self.dispatch.finish(self._clock(), ticket, answer.outcome)
            finally:
                # Does nothing once the ticket is closed, which only a cancelled call leaves undone.
                self.dispatch.abandon(self._clock(), ticket)
        return step, answer.body


def _noting(ticket: Ticket, heard: Heard) -> Heard:
    async def note(message: bytes) -> None:
        ticket.retried = True
        await heard(message)

    return note
