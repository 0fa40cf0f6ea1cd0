"""Whose processor time it was: a measurement of latency is worth little while others want the same cores."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from support.processes import below

__all__ = ["all_busy_s", "busy_s"]

TICKS = os.sysconf("SC_CLK_TCK")
IDLE, WAITING = 3, 4


def all_busy_s() -> float:
    """Return the seconds that all cores together have computed since the machine started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:8]]
    return (sum(ticks) - ticks[IDLE] - ticks[WAITING]) / TICKS


def busy_s(process: int) -> float:
    """Return the seconds that a process and those below it have computed, ended ones of theirs included."""
    return sum(map(_ticks, {process} | below(process))) / TICKS


def _ticks(process: int) -> int:
    with contextlib.suppress(OSError):  # it has ended
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0
