"""Whose processor time it was: a measurement of latency is worth little while others want the same cores."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

__all__ = ["all_busy_s", "busy_s"]

TICKS = os.sysconf("SC_CLK_TCK")
IDLE, WAITING = 3, 4


def all_busy_s() -> float:
    """Return the seconds that all cores together have computed since the machine started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:8]]
    return (sum(ticks) - ticks[IDLE] - ticks[WAITING]) / TICKS


def busy_s(process: int) -> float:
    """Return the seconds that a process and those below it have computed, ended ones of theirs included."""
    ticks: dict[int, int] = {}
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        one = int(path.parent.name)
        children[int(fields[1])].append(one)
        ticks[one] = sum(map(int, fields[11:15]))
    found, todo = 0, [process]
    while todo:
        one = todo.pop()
        found += ticks.get(one, 0)
        todo += children[one]
    return found / TICKS
