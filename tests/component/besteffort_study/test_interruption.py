"""A study in a process of its own that is ended: nothing that was finished is lost, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from besteffort_study.executor import execute, tasks_of
from besteffort_study.store import Store
from support.arena import GRID, Constant, MadeUpArena

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).parents[2]
SLOWLY = """
import sys
from pathlib import Path
from besteffort_study.executor import execute, tasks_of
from besteffort_study.store import Store
from support.arena import GRID, Constant, MadeUpArena

if __name__ == "__main__":
    arena = MadeUpArena({"ours": Constant(0.9, lasts_s=0.5)})
    execute(arena, tasks_of(arena, GRID), Store(Path(sys.argv[1])), processes=2, report=lambda *_: None)
"""

BY_THE_COMMAND = """
from besteffort_cli.app import main
from besteffort_study import run
from support.arena import Constant, MadeUpArena

if __name__ == "__main__":
    run.build_arena = lambda *_: MadeUpArena({"ours": Constant(0.9, lasts_s=0.5)})
    main()
"""


def wait_until(holds: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def workers_of(process: int) -> list[Path]:
    found = [path.parent for path in Path("/proc").glob("[0-9]*/status") if f"\nPPid:\t{process}\n" in read(path)]
    return [path for path in found if "spawn_main" in read(path / "cmdline")]


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGKILL, False)])
def test_a_study_that_is_ended_leaves_no_process_and_goes_on_where_it_was(
    number: int, *, to_all: bool, tmp_path: Path
) -> None:
    """Ctrl-C in a terminal goes to all processes of the command, a `kill` to the first one only."""
    script, store = tmp_path / "slowly.py", Store(tmp_path / "ended")
    script.write_text(SLOWLY)
    command, environment = [sys.executable, script, tmp_path / "ended"], os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            wait_until(lambda: bool(store.read()))
            workers = workers_of(process.pid)
            (os.killpg if to_all else os.kill)(process.pid, number)
            assert process.wait(timeout=60) == -number
        finally:
            process.kill()
    assert len(workers) == 2
    wait_until(lambda: not any(map(Path.exists, workers)))
    kept = store.read()
    noted = tmp_path / "noted"
    arena = MadeUpArena({"ours": Constant(0.9, asked=noted)})
    tasks = tasks_of(arena, GRID)
    assert 0 < len(kept) < 2 * len(tasks)
    again = execute(arena, tasks, store, processes=1, report=lambda *_: None)
    assert len(noted.read_text().splitlines()) == len(tasks) - len(kept) // 2
    assert again == execute(arena, tasks, Store(tmp_path / "whole"), processes=1, report=lambda *_: None)


@pytest.mark.parametrize("after_s", [2.0, 4.0, 6.0])
def test_ctrl_c_while_a_study_compiles_ends_it_with_one_sentence(after_s: float, tmp_path: Path) -> None:
    """It begins with the load units: compiled code, in the process that hears of it."""
    command = [Path(sys.executable).with_name("besteffort"), "evaluate", "--study", "quick", "--out", tmp_path / "out"]
    own = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}  # so that it compiles, and leaves others' machine code alone
    with subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=after_s)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    words = [line for line in said.splitlines() if line]
    assert [word for word in words if word not in {"load units", "playing"}] == ["besteffort: stopped"]


def test_ctrl_c_while_others_play_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    """The arena is made up, so that nothing compiles; all else is `besteffort evaluate`."""
    script, store = tmp_path / "evaluate.py", Store(tmp_path / "out")
    script.write_text(BY_THE_COMMAND)
    command = [sys.executable, script, "evaluate", "--study", "quick", "--processes", "2", "--out", tmp_path / "out"]
    own = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            wait_until(lambda: bool(store.read()))
            workers = workers_of(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert [line for line in said.splitlines() if line] == ["load units", "playing", "besteffort: stopped"]
    assert len(workers) == 2
    wait_until(lambda: not any(map(Path.exists, workers)))
