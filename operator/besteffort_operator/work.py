"""What is to be reconciled, and when: each key once, one at a time, later and later after errors.

`Agenda` is pure: it is told the time. `Work` runs it with a bounded number of workers.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from besteffort_operator.errors import NotLeadingError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Agenda", "Key", "Work"]

SPACING_S = 1.0
RETRY_S = 0.5
RETRY_MOST_S = 60.0
DOUBLED_MOST = 7
JITTER = 0.2
WORKERS = 8

log = logging.getLogger(__name__)


class Key(NamedTuple):
    """A service."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Agenda:
    """Keys and when each is due; a key that is worked on is given out again only once that has ended."""

    def __init__(self, spacing_s: float = SPACING_S) -> None:
        self._spacing_s = spacing_s
        self._due_s: dict[Key, float] = {}
        self._begun_s: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._due_s)

    def add(self, key: Key, now_s: float, *, after_s: float = 0.0) -> None:
        """Make a key due after some seconds, or earlier where it already is.

        A burst of triggers costs one run: runs of a key begin at least the spacing apart.
        """
        earliest_s = self._begun_s.get(key, float("-inf")) + self._spacing_s
        due_s = max(now_s + after_s, earliest_s)
        self._due_s[key] = min(due_s, self._due_s.get(key, due_s))

    def take(self, now_s: float) -> Key | None:
        """Return the key that has been due for longest, which is then worked on, or None."""
        waiting = self._waiting()
        key = min(waiting, key=waiting.__getitem__, default=None)
        if key is None or waiting[key] > now_s:
            return None
        del self._due_s[key]
        self._working.add(key)
        self._begun_s[key] = now_s
        return key

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until a key is due; None if none ever will be."""
        due_s = min(self._waiting().values(), default=None)
        return None if due_s is None else max(0.0, due_s - now_s)

    def succeed(self, key: Key, now_s: float, *, again_s: float | None) -> None:
        """End the work on a key; it is due again after some seconds, or with None when it is added."""
        self._working.discard(key)
        self._failures.pop(key, None)
        if again_s is not None:
            self.add(key, now_s, after_s=again_s)
        elif key not in self._due_s:
            # Nothing is kept of a key that may be gone for good.
            del self._begun_s[key]

    def fail(self, key: Key, now_s: float) -> float:
        """End the work on a key in failure; return the seconds after which it is due again."""
        self._working.discard(key)
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        # Bounded before the power is taken: a float holds no 2 ** 1024. What failed together comes back apart.
        retry_s = min(RETRY_MOST_S, RETRY_S * 2.0 ** min(failures - 1, DOUBLED_MOST))
        retry_s *= 1.0 - JITTER * random.random()  # noqa: S311  nothing is secret about it
        self.add(key, now_s, after_s=retry_s)
        return retry_s

    def _waiting(self) -> dict[Key, float]:
        return {key: due_s for key, due_s in self._due_s.items() if key not in self._working}


class Work:
    """Acts on keys as they fall due."""

    def __init__(self, agenda: Agenda | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._agenda = Agenda() if agenda is None else agenda
        self._clock = clock
        self._changed = asyncio.Event()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._agenda)

    def add(self, key: Key, *, after_s: float = 0.0) -> None:
        """Make a key due after some seconds."""
        self._agenda.add(key, self._clock(), after_s=after_s)
        self._changed.set()

    def stop(self) -> None:
        """Let `run` return once what is worked on has ended."""
        self._stopping = True
        self._changed.set()

    async def run(self, act: Callable[[Key], Awaitable[float | None]], *, workers: int = WORKERS) -> None:
        """Work until `stop`; `act` returns after how many seconds to act again, or raises: then ever later.

        Raises:
            NotLeadingError: a write was stopped (in an ExceptionGroup).
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(act))

    async def _work(self, act: Callable[[Key], Awaitable[float | None]]) -> None:
        while key := await self._next():
            try:
                again_s = await act(key)
            except NotLeadingError:
                raise
            except OperatorError as error:
                log.warning("%s: again in %.1f s: %s", key, self._agenda.fail(key, self._clock()), error)
            except Exception:
                log.exception("%s: again in %.1f s", key, self._agenda.fail(key, self._clock()))
            else:
                self._agenda.succeed(key, self._clock(), again_s=again_s)
            self._changed.set()

    async def _next(self) -> Key | None:
        while not self._stopping:
            now_s = self._clock()
            if key := self._agenda.take(now_s):
                return key
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._agenda.wait_s(now_s)):
                    await self._changed.wait()
        return None
