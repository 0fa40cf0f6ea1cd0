"""What other routers have in flight, told from one router's own requests and from how many it has of all.

What a server said a second ago is noise where deadlines are a tenth of that. But others route by the same rules what
comes from the same traffic, so that each size has now of theirs what it has of ours, times how many more they have;
on which of its backends, nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool

__all__ = ["RATIO_MEMORY_S", "progress_beside_others_s", "ratio_of", "with_others"]

RATIO_MEMORY_S = 30.0
"""Time constant in which requests that have ended no longer count for the ratio: routers come and go in minutes."""
APART_S = 1e-4
"""Between two devices that are otherwise equal: routers that all prefer the first would meet there."""


def ratio_of(ended: float, own: float) -> float:
    """Return how many requests all routers have for each own, 1 where there is no other; of requests that ended."""
    return max(ended / own, 1.0) if own > 0.0 else 1.0


def with_others(pool: Pool, own: NDArray[np.int64], ratio: float, seen: NDArray[np.int64]) -> None:
    """Put into `seen`, (backends,), what all routers are taken to have there, in requests or in units as `own` is."""
    for j in range(own.shape[0]):
        total, hosts = 0.0, 0
        for other in range(own.shape[0]):
            if pool.size_of[other] == pool.size_of[j]:
                total += own[other]
                hosts += 1
        seen[j] = own[j] + int((ratio - 1.0) * total / hosts + 0.5)


def progress_beside_others_s(pool: Pool, turn: int) -> NDArray[np.float64]:
    """Return the progress of each device: none is known, and of those that are otherwise equal each has its turn."""
    devices = pool.hosted.shape[0]
    progress_s = np.empty(devices)
    for device in range(devices):
        progress_s[device] = -APART_S * ((device + turn) % devices)
    return progress_s
