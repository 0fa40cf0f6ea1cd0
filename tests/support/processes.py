"""Look at the processes of this machine, and run `besteffort` as users do."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BESTEFFORT = Path(sys.executable).with_name("besteffort")


def processes_with(word: str) -> list[int]:
    """The living processes whose command line contains a word, but for this one."""
    return sorted(process for process in _processes() if word in command_line(process) and process != os.getpid())


def below(process: int) -> set[int]:
    """The living processes that a process has started, that those have started, and so on."""
    parents = {child: _status(child)[1] for child in _processes()}
    found = {child for child, parent in parents.items() if parent == process}
    return found.union(*(below(child) for child in found))


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    return _status(process)[0] not in ("", "Z", "X")


def command_line(process: int) -> str:
    """The words of a process with spaces between, empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def name_of(process: int) -> str:
    """What the kernel calls a process: the first 15 letters of its program, empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text().strip()
    return ""


def is_keeper(process: int) -> bool:
    """Whether a process keeps another for its parent."""
    return "besteffort_cli.keeper " in command_line(process)


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Whether a condition comes to hold in time."""
    give_up_at = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class Up:
    """A running `besteffort up`."""

    process: subprocess.Popen[str]
    address: str
    metrics_url: str
    log: Path

    def said(self) -> str:
        """What it has written for people so far."""
        return self.log.read_text()

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running_up(home: Path, *arguments: str, log: Path | None = None) -> Iterator[Up]:
    """Run `besteffort up` on free ports with what it keeps in `home`; killed in the end if it still runs."""
    command = [str(BESTEFFORT), "up", *arguments, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    environment, log = os.environ | {"BESTEFFORT_HOME": str(home)}, log or home / "said"
    with (
        log.open("w") as said,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            assert process.stdout
            first = process.stdout.readline()
            ready = re.search(r"Ready: (\S+) answers .*metrics (\S+)\)", first)
            assert ready, first + log.read_text()
            yield Up(process, ready[1], ready[2], log)
        finally:
            process.kill()


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]


def _status(process: int) -> tuple[str, int]:
    """The state's letter and the parent of a process; an empty letter if it is gone."""
    with contextlib.suppress(OSError):
        state, parent, *_ = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return state, int(parent)
    return "", 0
