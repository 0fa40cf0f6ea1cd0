from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from besteffort_cli.process import KeptProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORE = max(os.sched_getaffinity(0))
# Ignores SIGTERM, has a child that does too, and tells both numbers.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: print(os.getpid(), child, flush=True)
while True: time.sleep(1)
"""


def gone(process: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    return True


def eventually(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    give_up_at = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def numbers(stream: IO[bytes]) -> list[int]:
    return [int(word) for word in stream.readline().split()]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Callable[..., KeptProcess]]:
    started: list[KeptProcess] = []

    def keep(program: str, **options: object) -> KeptProcess:
        command = [sys.executable, "-c", program]
        started.append(KeptProcess(command, log=tmp_path / "log", piped=True, **options))  # type: ignore[arg-type]
        return started[-1]

    yield keep
    for process in started:
        process.stop()


def test_the_command_runs_on_its_cores_with_its_variables(kept: Callable[..., KeptProcess]) -> None:
    program = "import os; print(sorted(os.sched_getaffinity(0)), os.environ['COLOUR'])"
    process = kept(program, cores={CORE}, environment={"COLOUR": "red"})
    assert process.stdout.readline().decode() == f"[{CORE}] red\n"


def test_the_exit_status_of_the_command_is_seen(kept: Callable[..., KeptProcess]) -> None:
    process = kept("raise SystemExit(3)")
    assert eventually(lambda: process.exit_code() is not None)
    assert process.exit_code() == 3


def test_death_by_a_signal_is_seen_as_128_and_its_number(kept: Callable[..., KeptProcess]) -> None:
    process = kept("import os; os.kill(os.getpid(), 9)")
    assert eventually(lambda: process.exit_code() is not None)
    assert process.exit_code() == 137


def test_a_polite_command_may_finish_its_work_when_stopped(kept: Callable[..., KeptProcess]) -> None:
    waits = "import signal; print(1, flush=True); signal.sigwait([15]); print('tidy', flush=True)"
    process = kept("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15])\n" + waits)
    process.stdout.readline()
    process.ask_to_stop()
    assert process.stdout.readline() == b"tidy\n"


def test_a_stubborn_command_and_its_child_are_killed(
    kept: Callable[..., KeptProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("besteffort_cli.process.GRACE_S", 0.1)
    process = kept(STUBBORN)
    found = numbers(process.stdout)
    process.stop()
    assert eventually(lambda: all(map(gone, found)))


def test_a_child_left_behind_by_a_dead_command_is_killed(kept: Callable[..., KeptProcess]) -> None:
    process = kept("import os, time\nif child := os.fork(): print(child, flush=True)\nelse: time.sleep(60)")
    (child,) = numbers(process.stdout)
    assert eventually(lambda: gone(child))


def test_shared_memory_of_the_command_is_removed(kept: Callable[..., KeptProcess]) -> None:
    region = Path("/dev/shm") / f"besteffort-test-{os.getpid()}-region"
    process = kept(f"open({str(region)!r}, 'w'); print(1, flush=True)", shm_prefix=f"besteffort-test-{os.getpid()}-")
    process.stdout.readline()
    assert eventually(lambda: not region.exists())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import sys, time, pathlib; from besteffort_cli import process; process.GRACE_S = 0.1\n"
        f"kept = process.KeptProcess([sys.executable, '-c', {STUBBORN!r}], log=pathlib.Path({str(tmp_path / 'log')!r}),"
        " piped=True)\nprint(kept.stdout.readline().decode(), end='', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        found = numbers(parent.stdout)
        assert len(found) == 2
        parent.send_signal(number)
    assert eventually(lambda: all(map(gone, found)))
