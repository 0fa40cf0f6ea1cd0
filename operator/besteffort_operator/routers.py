"""Ask routers for their status again and again, and keep the newest answers. Decides nothing.

A router that does not answer harms nobody: its last answer only grows old, and it is asked ever less often. Each
service is asked beside the others, so that one whose routers are all silent keeps no other waiting.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter, defaultdict
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from besteffort_operator.errors import ReportError
from besteffort_operator.policy_state import SILENT_S
from besteffort_operator.router_report import Heard, parse_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from besteffort_operator.router_report import Report, RouterAddress

__all__ = ["Routers"]

EAGER_S = 2.0
CALM_S = 10.0
TICK_S = 0.5
LIMIT_S = 1.0
AT_ONCE = 8
"""Of one service."""
MOST_AT_ONCE = 256
PATIENCE = 3
"""So often in a row a router may be silent before it is asked less often."""
SILENT_PERIOD_S = 30.0
"""At most."""
MOST_DOUBLINGS = 8

log = logging.getLogger(__name__)
MAX_BYTES = 512 * 1024


class Routers:
    """The newest status of each router; `run` keeps it so."""

    def __init__(
        self,
        addresses: Callable[[], Iterable[RouterAddress]],
        changed: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is called with a service's namespace and name when its routers say something new for its status."""
        self._addresses = addresses
        self._changed = changed
        self._clock = clock
        self._asked_s: dict[RouterAddress, float] = {}
        self._answers: dict[str, tuple[Report, float]] = {}
        """By `_place`: the answer, and when it came."""
        self._failures: Counter[str] = Counter()
        """In a row, by `_place`."""
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._gates: defaultdict[tuple[str, str], asyncio.Semaphore]
        self._gates = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._silent: set[str] = set()
        """Whose last answer has grown too old to count, and who is told of it."""

    def heard(self, namespace: str, service: str) -> tuple[Heard, ...]:
        """Return what each router of a service said last, by pod; those that never answered are there too."""
        ours = [found for found in self._addresses() if (found.namespace, found.service) == (namespace, service)]
        return tuple(map(self._heard, sorted(ours, key=lambda found: found.pod)))

    async def run(self) -> None:
        """Ask for ever, eager addresses every 2 s and others every 10 s, silent ones less often."""
        limit = aiohttp.ClientTimeout(total=LIMIT_S)
        connector = aiohttp.TCPConnector(limit=MOST_AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(timeout=limit, connector=connector) as session:
            try:
                while True:
                    self.begin(session)
                    await asyncio.sleep(TICK_S)
            finally:
                for asking in self._asking.values():
                    asking.cancel()

    def begin(self, session: aiohttp.ClientSession) -> tuple[asyncio.Task[None], ...]:
        """Ask all that are due and are not being asked, and forget those that are gone; return what is under way."""
        now_s, known = self._clock(), set(self._addresses())
        self._asked_s = {found: at_s for found, at_s in self._asked_s.items() if found in known}
        places = set(map(_place, known))
        self._silent &= places
        self._answers = {place: answer for place, answer in self._answers.items() if place in places}
        for service in self._gates.keys() - {(found.namespace, found.service) for found in known}:
            del self._gates[service]
        self._failures = Counter({place: count for place, count in self._failures.items() if place in places})
        self._notice_silence(known, now_s)
        for found in known:
            place = _place(found)
            if place not in self._asking and now_s - self._asked_s.get(found, -math.inf) >= self._period_s(found):
                self._asking[place] = task = asyncio.create_task(self._ask_one(session, found))
                task.add_done_callback(partial(self._asked, place))
        return tuple(self._asking.values())

    def _asked(self, place: str, task: asyncio.Task[None]) -> None:
        del self._asking[place]
        if not task.cancelled() and (error := task.exception()):
            log.error("asking a router failed", exc_info=error)

    def _period_s(self, found: RouterAddress) -> float:
        period_s = EAGER_S if found.eager else CALM_S
        more = min(max(0, self._failures[_place(found)] - PATIENCE), MOST_DOUBLINGS)
        return max(period_s, min(period_s * 2.0**more, SILENT_PERIOD_S))

    async def _ask_one(self, session: aiohttp.ClientSession, found: RouterAddress) -> None:
        # The limit of a second begins with the call, not with the wait for its turn.
        async with self._gates[found.namespace, found.service], self._room:
            self._asked_s[found] = self._clock()
            report = await _report(session, found.address)
        place = _place(found)
        if report is None:
            self._failures[place] += 1
            return
        del self._failures[place]
        before = self._answers.get(place)
        self._answers[place] = report, self._clock()
        if before is None or place in self._silent or _told(before[0]) != _told(report):
            self._changed(found.namespace, found.service)
        self._silent.discard(place)

    def _notice_silence(self, known: Iterable[RouterAddress], now_s: float) -> None:
        for found in known:
            place = _place(found)
            answer = self._answers.get(place)
            if answer and now_s - answer[1] > SILENT_S and place not in self._silent:
                self._silent.add(place)
                self._changed(found.namespace, found.service)

    def _heard(self, found: RouterAddress) -> Heard:
        answer = self._answers.get(_place(found))
        return Heard(found, answer[0], self._clock() - answer[1]) if answer else Heard(found)


def _place(found: RouterAddress) -> str:
    """Identify a router pod, however often it is asked."""
    return f"{found.namespace}/{found.service}/{found.pod}/{found.address}"


def _told(report: Report) -> object:
    """Return what of a report shows in a status, whatever the load."""
    policy = report.policy
    ready = frozenset((backend.size, backend.replica) for backend in report.backends if backend.ready)
    return report.config_digest, policy.kind, policy.mode, policy.digest, policy.error, ready


async def _report(session: aiohttp.ClientSession, address: str) -> Report | None:
    """Return the status page of a router, None where none comes, or something else does."""
    try:
        async with session.get(f"http://{address}/status", allow_redirects=False) as response:
            if response.status != HTTPStatus.OK:
                return None
            return parse_report(await _bounded(response.content))
    except (aiohttp.ClientError, TimeoutError, OSError, ReportError, ValueError):
        return None


async def _bounded(stream: aiohttp.StreamReader) -> bytes:
    data = b""
    while chunk := await stream.readany():
        data += chunk
        if len(data) > MAX_BYTES:
            raise ReportError(f"more than {MAX_BYTES} bytes")
    return data
