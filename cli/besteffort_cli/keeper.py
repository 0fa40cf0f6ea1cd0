"""Keep one server process for a parent: pin it to cores, and end it, and all that it started, when the parent is gone.

Run as `python -m besteffort_cli.keeper --cores 1 -- COMMAND...` with a pipe as standard input: its end means stop.
Imports nothing but the standard library, since one runs beside every server.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["main"]

PR_SET_PDEATHSIG = 1
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Triton's Python backend keeps its regions


class _StopError(Exception):
    """A signal asks to stop."""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command until it ends or standard input does; return its exit status, 128 + n after signal n."""
    arguments = _parse(words)
    # Threads and children inherit the cores, so a pinned keeper pins everything below it.
    if arguments.cores:
        os.sched_setaffinity(0, {int(core) for core in arguments.cores.split(",")})
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = _keep(arguments.command, arguments.grace_s)
    finally:
        if arguments.shm_prefix:
            _remove_shared_memory(arguments.shm_prefix)
    return code if code >= 0 else 128 - code


def _keep(command: Sequence[str], grace_s: float) -> int:
    """Run the command and return its code, negative for a signal; nothing of its group is left."""
    child = subprocess.Popen(  # noqa: S603 - what the parent says
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_keeper,  # noqa: PLW1509 - this process has one thread
    )
    try:
        with contextlib.suppress(_StopError):
            _wait_for_either(child)
        _end(child, grace_s)
    finally:
        _kill_group(child)
    return child.wait()


def _wait_for_either(child: subprocess.Popen[bytes]) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(os.pidfd_open(child.pid), selectors.EVENT_READ)
        selector.select()


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask the child to end, if it has not; give up after the grace time or a second signal."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired, _StopError):
            child.wait(grace_s)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _die_with_keeper() -> None:
    """Let the kernel kill this process when the keeper dies before it can."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _remove_shared_memory(prefix: str) -> None:
    for region in SHARED_MEMORY.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _StopError


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m besteffort_cli.keeper", description=__doc__)
    parser.add_argument("--cores", default="", help="comma-separated cores to run on; all when left out")
    parser.add_argument("--grace-s", type=float, default=5.0, help="seconds between SIGTERM and SIGKILL")
    parser.add_argument("--shm-prefix", default="", help="shared memory to remove in the end, by the start of its name")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
