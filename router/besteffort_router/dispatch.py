"""The life of a request, without I/O: what arrives is forwarded or refused, what comes back is passed on or retried.

Every request ends in exactly one reply, or abandoned. The transport brings the time and the events and does what it is
told; it says nothing of its own. Knows neither grpc nor asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from besteffort_core.decide import Health, decide
from besteffort_core.model import Reason, Refusal, Request
from besteffort_core.utility import utility, worth_until_s
from besteffort_router.errors import Code, RequestError, TooLargeError, UnknownModelError
from besteffort_router.ledger import NO_SIZE
from besteffort_router.load import Load
from besteffort_router.terms import OTHER_TASK, read_terms
from besteffort_router.wire import read_head, renamed

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_core.model import Decision
    from besteffort_router.config import Backend, Replica, Settings
    from besteffort_router.ledger import Ledger
    from besteffort_router.load import Lane
    from besteffort_router.terms import Arrival, Terms

__all__ = ["DECOUPLED", "UNARY", "Dispatch", "Forward", "Outcome", "Reply", "Ticket", "Trailers"]

Trailers = tuple[tuple[str, str], ...]

UNARY, DECOUPLED = "ModelInfer", "ModelStreamInfer"
"""How a model is asked; the second gives any number of answers."""
HEALTH_GAIN = 0.05
SLOWEST_COUNTED_S = 0.02
"""One decision interrupted by something else must not look like many slow ones."""
DIGEST_SHOWN = 12
SENTENCES = {
    Refusal.QUEUE_FULL: (Code.RESOURCE_EXHAUSTED, "the router is full: as many requests as it may hold are under way"),
    Refusal.HOPELESS: (Code.RESOURCE_EXHAUSTED, "no answer is expected before it would be worth nothing"),
    Refusal.NO_READY_SIZE: (Code.UNAVAILABLE, "no server of a size that may answer is ready"),
}
SERVER_ERRORS = frozenset({Code.UNKNOWN, Code.INTERNAL, Code.DATA_LOSS})
"""Errors of the server."""
CLIENT_ERRORS = frozenset({Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.OUT_OF_RANGE, Code.UNIMPLEMENTED})
"""Errors of the client, whatever server it is."""
PUSHBACK_MS = {Refusal.QUEUE_FULL: 100, Refusal.NO_READY_SIZE: 1000}
MOST_PUSHBACK_MS = 5000


class Ticket:
    """A forwarded request until its end."""

    __slots__ = (
        "arrival_s", "body", "grace_factor", "lane", "open", "policy", "profiled_s", "quality", "reason", "retried",
        "sent_s", "spans", "terms",
    )  # fmt: skip

    def __init__(self, arrival_s: float, body: bytes, spans: tuple[tuple[int, int], ...], terms: Terms) -> None:
        self.arrival_s = arrival_s
        self.body = body
        self.spans = spans
        self.terms = terms
        self.retried = False
        self.open = True
        self.lane: Lane
        self.reason: Reason
        self.policy = ""
        self.quality = 0.0
        self.grace_factor = 1.0
        self.profiled_s = 0.0
        self.sent_s = arrival_s

    def worth_until_s(self) -> float:
        """Return the time from which an answer is worth nothing."""
        return self.arrival_s + worth_until_s(self.terms.deadline_s, self.grace_factor)


class Forward(NamedTuple):
    """Send `body` to a replica and report what came of it within `timeout_s`."""

    ticket: Ticket
    replica: Replica
    method: str
    body: bytes
    timeout_s: float


class Outcome(NamedTuple):
    """What came of a forwarded request; DEADLINE_EXCEEDED also when its time ran out here."""

    code: Code
    message: str = ""
    lost: bool = False
    """The server could not be reached or the connection to it broke, so that it answers nothing else either."""


class Reply(NamedTuple):
    """End the client's call so; with code OK the body is that of the last outcome."""

    code: Code
    message: str
    trailers: Trailers


class Dispatch:
    """All requests under way, and the settings in force."""

    def __init__(self, settings: Settings, ledger: Ledger, clock: Callable[[], float]) -> None:
        """Start with no backend ready; `clock` only measures how long decisions take, in seconds."""
        self.load = Load()
        self.ledger = ledger
        self.draining = False
        """Not ready any more; what the transport still takes is answered all the same."""
        self.requests = 0
        self.bytes = 0
        self._clock = clock
        self._decision_s = 0.0
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        """Put settings in force; requests under way go on."""
        self.settings = settings
        self.load.adopt(settings)
        self._policy_label = settings.policy.digest[:DIGEST_SHOWN] or settings.policy.kind.value

    def ready(self) -> bool:
        """Tell whether some backend takes requests and the router does too."""
        return not self.draining and any(lane.ready for lane in self.load.lanes)

    def reference(self) -> Backend | None:
        """Return the ready backend of the best size, which answers what is asked about the model itself."""
        rank = {int(size): place for place, size in enumerate(self.settings.pool.rank)}
        ready = [lane.backend for lane in self.load.lanes if lane.ready]
        return min(ready, key=lambda backend: rank[backend.size], default=None)

    def begin(self, now_s: float, arrival: Arrival) -> Forward | Reply:
        """Return where a request goes, or why it does not."""
        self.load.arrived(now_s)
        settings, length = self.settings, len(arrival.body)
        if self.requests >= settings.max_requests or length <= settings.max_bytes < self.bytes + length:
            return self._refuse(Refusal.QUEUE_FULL)
        try:
            if length > settings.max_bytes:
                raise TooLargeError(f"the request has {length} bytes, more than the {settings.max_bytes} allowed")
            head = read_head(arrival.body)
            if head.model_name != settings.model_name:
                raise UnknownModelError(
                    f"model_name: unknown model {head.model_name[:100]!r}; this service is {settings.model_name!r}"
                )
            terms = read_terms(head.parameters, arrival, settings)
        except RequestError as error:
            self.ledger.turned_down(error.code)
            return Reply(error.code, str(error), ())
        return self._first(now_s, Ticket(now_s, arrival.body, head.own_spans, terms))

    def finish(self, now_s: float, ticket: Ticket, outcome: Outcome) -> Reply | Forward:
        """Return the end of a forwarded request, or where it goes next.

        One that is UNAVAILABLE goes once to another backend, whether its server was lost or said so itself; only a lost
        one is asked nothing more before it is found ready again.
        """
        self._leave_lane(now_s, ticket, outcome.code)
        if outcome.lost:
            self.load.lose(ticket.lane.backend.replica)
        if outcome.code is Code.UNAVAILABLE:
            again = None if ticket.retried else self._second(now_s, ticket)
            if again is not None:
                return again
        elapsed_s = now_s - ticket.arrival_s
        met = outcome.code is Code.OK and elapsed_s <= ticket.terms.deadline_s
        if outcome.code is Code.OK:
            worth = utility(ticket.quality, elapsed_s, ticket.terms.deadline_s, ticket.grace_factor)
            self.ledger.quality_sum += worth
        ended = "met" if met else "invalid" if outcome.code in CLIENT_ERRORS else "missed"
        self._close(ticket, outcome.code, ended, elapsed_s)
        message = outcome.message
        if outcome.code is Code.DEADLINE_EXCEEDED:
            message = f"no answer within {ticket.worth_until_s() - ticket.arrival_s:g} s"
        return Reply(outcome.code, message, _trailers(ticket))

    def abandon(self, now_s: float, ticket: Ticket) -> None:
        """End a request whose client went away; one that waited past its deadline is missed, not cancelled."""
        if not ticket.open:
            return
        self._leave_lane(now_s, ticket, Code.CANCELLED)
        elapsed_s = now_s - ticket.arrival_s
        late = elapsed_s >= ticket.terms.deadline_s
        code = Code.DEADLINE_EXCEEDED if late else Code.CANCELLED
        self._close(ticket, code, "missed" if late else "cancelled", elapsed_s)

    def health(self, now_s: float) -> Health:
        """Return how well the router itself is doing."""
        return Health(self._decision_s, max(self.load.scrape_ages_s(now_s).values(), default=0.0))

    def _first(self, now_s: float, ticket: Ticket) -> Forward | Reply:
        decision, seconds = self._decide(now_s, ticket)
        task = ticket.terms.task
        if decision.refusal is not None:
            if decision.size < 0:
                return self._refuse(decision.refusal, task=task)
            size = self.settings.sizes[decision.size]
            self.ledger.decided(size, decision.reason, seconds)
            late_s = decision.finish_s - worth_until_s(ticket.terms.deadline_s, self.settings.pool.grace_factor)
            refused = self._refuse(decision.refusal, size=size, task=task, late_s=late_s)
            return refused._replace(trailers=(*refused.trailers, ("bes-reason", decision.reason.value)))
        self.requests += 1
        self.bytes += len(ticket.body)
        return self._send(now_s, ticket, decision, decision.reason, seconds)

    def _second(self, now_s: float, ticket: Ticket) -> Forward | None:
        """Return where a request goes whose backend is unavailable, None if there is no time or no place left."""
        if now_s >= ticket.arrival_s + ticket.terms.deadline_s:
            return None
        ticket.retried = True
        # The backend may be ready for others, but not for this decision.
        ready, ticket.lane.ready = ticket.lane.ready, False
        decision, seconds = self._decide(now_s, ticket)
        ticket.lane.ready = ready
        if decision.refusal is not None:
            return None
        return self._send(now_s, ticket, decision, Reason.RETRY, seconds)

    def _decide(self, now_s: float, ticket: Ticket) -> tuple[Decision, float]:
        """Return the decision and the seconds that it took."""
        settings, terms = self.settings, ticket.terms
        left_s = terms.deadline_s - (now_s - ticket.arrival_s)
        task = _task_row(settings, terms.task)
        pinned = settings.sizes.index(terms.size) if terms.size in settings.sizes else -1
        snapshot, health = self.load.snapshot(now_s), self.health(now_s)
        before_s = self._clock()
        decision = decide(Request(task, left_s), settings.pool, snapshot, settings.policy, health=health, pinned=pinned)
        seconds = self._clock() - before_s
        self._decision_s += HEALTH_GAIN * (min(seconds, SLOWEST_COUNTED_S) - self._decision_s)
        return decision, seconds

    def _send(self, now_s: float, ticket: Ticket, decision: Decision, reason: Reason, seconds: float) -> Forward:
        settings, lane = self.settings, self.load.lanes[decision.backend]
        lane.own += 1
        ticket.lane, ticket.reason, ticket.policy = lane, reason, self._policy_label
        ticket.quality = float(settings.pool.quality[_task_row(settings, ticket.terms.task), decision.size])
        ticket.grace_factor = settings.pool.grace_factor
        ticket.sent_s, ticket.profiled_s = now_s, decision.finish_s / lane.correction(now_s)
        self.ledger.decided(lane.backend.size_name, reason, seconds)
        if decision.shadow_size >= 0:
            self.ledger.shadow[lane.backend.size_name, settings.sizes[decision.shadow_size]] += 1
        body = renamed(ticket.body, ticket.spans, lane.name_field)
        method = DECOUPLED if lane.backend.decoupled else UNARY
        return Forward(ticket, lane.backend.replica, method, body, ticket.worth_until_s() - now_s)

    def _leave_lane(self, now_s: float, ticket: Ticket, code: Code) -> None:
        lane = ticket.lane
        lane.leave()
        if code is Code.OK:
            lane.answered()
        elif code in SERVER_ERRORS:
            lane.failed(now_s)
        if code in (Code.OK, Code.DEADLINE_EXCEEDED, Code.CANCELLED):
            lane.learn(now_s, ticket.profiled_s, now_s - ticket.sent_s, answered=code is Code.OK)

    def _close(self, ticket: Ticket, code: Code, outcome: str, elapsed_s: float) -> None:
        ticket.open = False
        self.requests -= 1
        self.bytes -= len(ticket.body)
        self.ledger.ended(ticket.lane.backend.size_name, ticket.terms.task, code, outcome, elapsed_s)

    def _refuse(self, refusal: Refusal, *, size: str = NO_SIZE, task: str = OTHER_TASK, late_s: float = 0.0) -> Reply:
        code, message = SENTENCES[refusal]
        self.ledger.refused_for(refusal, code, size, task)
        pushback_ms = PUSHBACK_MS.get(refusal)
        if pushback_ms is None:
            pushback_ms = min(max(round(late_s * 1000.0), 1), MOST_PUSHBACK_MS)
        trailers = (("bes-refused", refusal.value), ("retry-pushback-ms", str(pushback_ms)))
        return Reply(code, message, (*trailers, ("bes-policy", self._policy_label)))


def _task_row(settings: Settings, task: str) -> int:
    return settings.tasks.index(task) if task in settings.tasks else len(settings.tasks)


def _trailers(ticket: Ticket) -> Trailers:
    backend = ticket.lane.backend
    return (
        ("bes-size", backend.size_name),
        ("bes-replica", backend.replica.name),
        ("bes-reason", ticket.reason.value),
        ("bes-policy", ticket.policy),
        ("bes-quality", f"{ticket.quality:g}"),
    )
