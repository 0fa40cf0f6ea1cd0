"""Ask routers for their status again and again, and keep the newest answers. Decides nothing.

A router that does not answer costs a second at most and harms nobody: its last answer only grows old.
"""

from __future__ import annotations

import asyncio
import time
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
AT_ONCE = 32
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
        self._silent: set[str] = set()
        """Whose last answer has grown too old to count, and who is told of it."""

    def heard(self, namespace: str, service: str) -> tuple[Heard, ...]:
        """Return what each router of a service said last, by pod; those that never answered are there too."""
        ours = [found for found in self._addresses() if (found.namespace, found.service) == (namespace, service)]
        return tuple(map(self._heard, sorted(ours, key=lambda found: found.pod)))

    async def run(self) -> None:
        """Ask for ever, eager addresses every 2 s and others every 10 s."""
        limit = aiohttp.ClientTimeout(total=LIMIT_S)
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(timeout=limit, connector=connector) as session:
            while True:
                await self.ask(session)
                await asyncio.sleep(TICK_S)

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """Ask all that are due once, and forget those that are gone."""
        now_s, known = self._clock(), set(self._addresses())
        self._asked_s = {found: at_s for found, at_s in self._asked_s.items() if found in known}
        places = set(map(_place, known))
        self._silent &= places
        self._answers = {place: answer for place, answer in self._answers.items() if place in places}
        self._notice_silence(known, now_s)
        due = [found for found in known if now_s - self._asked_s.get(found, -CALM_S) >= _period_s(found)]
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._ask_one(session, found, gate) for found in due))

    async def _ask_one(self, session: aiohttp.ClientSession, found: RouterAddress, gate: asyncio.Semaphore) -> None:
        # The limit of a second begins with the call, not with the wait for its turn.
        async with gate:
            self._asked_s[found] = self._clock()
            report = await _report(session, found.address)
        if report is None:
            return
        place = _place(found)
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


def _period_s(found: RouterAddress) -> float:
    return EAGER_S if found.eager else CALM_S


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
