"""Whose processor time it was: a measurement of latency is worth little while others want the same cores."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

__all__ = ["all_busy_s", "own_busy_s"]

TICKS = os.sysconf("SC_CLK_TCK")
IDLE, WAITING = 3, 4


def all_busy_s() -> float:
    """Return the seconds that all cores together have computed since the machine started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:8]]
    return (sum(ticks) - ticks[IDLE] - ticks[WAITING]) / TICKS


def own_busy_s() -> float:
    """Return the seconds that this process and the living ones below it have computed."""
    ticks: dict[int, int] = {}
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        process = int(path.parent.name)
        children[int(fields[1])].append(process)
        ticks[process] = int(fields[11]) + int(fields[12])
    found, todo = 0, [os.getpid()]
    while todo:
        process = todo.pop()
        found += ticks.get(process, 0)
        todo += children[process]
    return found / TICKS
