"""Programs that run as long as the cluster does: started, waited for, and their last words when they fail."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from cluster.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Daemon", "wait_until"]

LOOK_S = 0.1


class Daemon:
    """A program in the background; its output goes to a file of its name."""

    def __init__(
        self, name: str, words: Sequence[object], *, logs: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = logs / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )

    def wait_until(self, ready: Callable[[], bool], within_s: float) -> None:
        """Return when `ready` says so.

        Raises:
            StartError: the program ended, or was not ready in time; with its last lines.
        """
        wait_until(lambda: self._check_alive() and ready(), within_s, lambda: f"{self.name}: {self._last_words()}")

    def _check_alive(self) -> bool:
        if (code := self._process.poll()) is not None:
            raise StartError(f"{self.name} ended with exit status {code}: {self._last_words()}")
        return True

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])


def wait_until(ready: Callable[[], bool], within_s: float, why_not: Callable[[], str]) -> None:
    """Return when `ready` says so.

    Raises:
        StartError: it did not within so many seconds.
    """
    give_up_at = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > give_up_at:
            raise StartError(f"not ready within {within_s:g} s: {why_not()}")
        time.sleep(LOOK_S)
