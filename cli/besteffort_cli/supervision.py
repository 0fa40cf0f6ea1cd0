"""Keep servers running: start them together, start those that die anew, stop all of them in the end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from besteffort_cli.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Part", "Supervisor"]

LOOK_S = 0.1
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
SOUND_AFTER_S = 60.0


class Part(Protocol):
    """A server that can be started again and again, always at the same address."""

    @property
    def title(self) -> str:
        """Return what people call it."""

    def start(self) -> None:
        """Start the process."""

    def wait_until_ready(self, cancelled: threading.Event) -> None:
        """Return when it serves or `cancelled` is set; raise ServerError if it will not serve."""

    def exit_code(self) -> int | None:
        """Return the exit status, 128 + n after signal n; None while it runs."""

    def ask_to_stop(self) -> None:
        """Begin to stop; `stop` must follow."""

    def stop(self) -> None:
        """Stop it and everything that it started."""


class Supervisor:
    """Runs parts, each watched by a thread of its own; `say` hears from those threads what died and what is back."""

    def __init__(self, say: Callable[[str], None], *, first_delay_s: float = FIRST_DELAY_S) -> None:
        self._say = say
        self._first_delay_s = first_delay_s
        self._closing = threading.Event()
        self._parts: list[Part] = []
        self._watchers: list[threading.Thread] = []
        self.restarts = 0
        """How often a part that died was started anew."""

    def run(self, parts: Sequence[Part]) -> None:
        """Start the parts together, and watch them from when all are ready.

        Raises:
            ServerError: one does not start; the others run until `close`.
        """
        for part in parts:
            self._parts.append(part)
            part.start()
        for part in parts:
            part.wait_until_ready(self._closing)
        for part in parts:
            watcher = threading.Thread(target=self._watch, args=(part,), name=f"watch {part.title}", daemon=True)
            watcher.start()
            self._watchers.append(watcher)

    def close(self) -> None:
        """Stop all parts, the last ones first."""
        self._closing.set()
        for watcher in self._watchers:
            watcher.join()
        for part in reversed(self._parts):
            part.ask_to_stop()
        for part in reversed(self._parts):
            part.stop()

    def _watch(self, part: Part) -> None:
        """Start a part anew whenever it dies, later and later unless it ran soundly in between."""
        delay_s, started_s = self._first_delay_s, time.monotonic()
        while not self._closing.wait(LOOK_S):
            code = part.exit_code()
            if code is None:
                continue
            if time.monotonic() - started_s > SOUND_AFTER_S:
                delay_s = self._first_delay_s
            self._say(f"{part.title} died (exit status {code}); starting it again in {delay_s:g} s")
            if self._closing.wait(delay_s):
                return
            delay_s, started_s = min(2 * delay_s, LONGEST_DELAY_S), time.monotonic()
            self._restart(part)

    def _restart(self, part: Part) -> None:
        self.restarts += 1
        part.stop()
        try:
            part.start()
            part.wait_until_ready(self._closing)
        except (ServerError, OSError) as error:  # an OSError: no memory or file descriptor for a process, say
            self._say(str(error) if isinstance(error, ServerError) else f"{part.title} did not start: {error}")
            part.stop()
        else:
            if not self._closing.is_set():
                self._say(f"{part.title} is back")
