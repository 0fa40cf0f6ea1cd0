"""Ctrl-C in a real `besteffort evaluate`: nothing that was finished is lost, nothing is left running."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.processes import BESTEFFORT

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO = Path(__file__).parents[3] / "examples" / "demo"
WORDS = ("evaluate", "--service", DEMO / "service.yaml", "--profile", DEMO / "profile.yaml", "--seeds", "2")


def wait_until(holds: Callable[[], bool], timeout_s: float = 240.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def cells_in(folder: Path) -> int:
    path = folder / "cells.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def children_of(process: int) -> list[Path]:
    found = [path.parent for path in Path("/proc").glob("[0-9]*/status") if f"\nPPid:\t{process}\n" in read(path)]
    return [path for path in found if "spawn_main" in read(path / "cmdline")]


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def evaluate(folder: Path) -> None:
    subprocess.run([BESTEFFORT, *WORDS, "--out", folder], capture_output=True, timeout=600, check=True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_evaluation_that_was_ended_goes_on_where_it_was(number: int, status: int, tmp_path: Path) -> None:
    words = [BESTEFFORT, *WORDS, "--processes", "2", "--out", tmp_path / "ended"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: cells_in(tmp_path / "ended") > 0)
            children = children_of(process.pid)
            process.send_signal(number)
            assert process.wait(timeout=60) == status
        finally:
            process.kill()
        assert len(children) == 2
        wait_until(lambda: not any(map(Path.exists, children)))
    assert 0 < cells_in(tmp_path / "ended") < 90
    evaluate(tmp_path / "ended")
    evaluate(tmp_path / "whole")
    assert (tmp_path / "ended" / "report.json").read_text() == (tmp_path / "whole" / "report.json").read_text()
    assert cells_in(tmp_path / "ended") == cells_in(tmp_path / "whole")
