"""A device that is not there: whoever computes on it sleeps, and all who do share it equally.

Each sharer has a slot of its own in a small file that all of them map: the time of its last sign of life, 0 while it is
idle. So nothing is locked, and a process that is killed stops counting after a moment.
"""

from __future__ import annotations

import mmap
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SLOTS", "Device"]

SLOTS = 16
SLICE_S = 0.002
"""How long an arrival or a departure can stay unseen by the others."""
DEAD_AFTER_S = 0.1
_SLOT = struct.Struct("=q")


class Device:
    """One sharer's view of a device."""

    def __init__(self, path: Path, slot: int) -> None:
        """Share the device of a file, made if it is missing, under a slot below SLOTS that nobody else has."""
        with path.open("a+b") as file:
            file.truncate(SLOTS * _SLOT.size)
            self._slots = mmap.mmap(file.fileno(), SLOTS * _SLOT.size)
        self._slot = slot
        self._sign(0)

    def compute(self, work_s: float) -> float:
        """Sleep until `work_s` seconds of the whole device are done; return by how many seconds it was too long."""
        now_s = time.monotonic()
        sharers = self._join(now_s)
        while work_s > 0.0:
            time.sleep(min(SLICE_S, work_s * sharers))
            before_s, before = now_s, sharers
            now_s = time.monotonic()
            sharers = self._join(now_s)
            # Those that came or went meanwhile did so half way through, on average.
            work_s -= (now_s - before_s) * 0.5 * (1.0 / before + 1.0 / sharers)
        self._sign(0)
        return -work_s * sharers

    def _join(self, now_s: float) -> int:
        """Give a sign of life and return how many share the device now."""
        now_ns = int(now_s * 1e9)
        self._sign(now_ns)
        oldest_ns = now_ns - int(DEAD_AFTER_S * 1e9)
        return sum(sign_ns > oldest_ns for (sign_ns,) in _SLOT.iter_unpack(self._slots))

    def _sign(self, now_ns: int) -> None:
        _SLOT.pack_into(self._slots, self._slot * _SLOT.size, now_ns)
