"""What other routers have in flight, told from one router's own requests and from how many it has of all.

What a server said a second ago is noise where deadlines are a tenth of that. So routers that know each other divide
the servers among them, as far as these divide: what nobody else sends to is known to the last request, and that is
worth more than the choice between all. Where some share servers, they route by the same rules what comes from the same
traffic, so that each size has now of theirs what it has of ours, times how many more they have; on which of its
backends, nobody knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool

__all__ = ["RATIO_MEMORY_S", "alone", "divide", "progress_beside_others_s", "ratio_of", "with_others"]

RATIO_MEMORY_S = 30.0
"""Time constant in which requests that have ended no longer count for the ratio: routers come and go in minutes."""
APART_S = 1e-4
"""Between two devices that are otherwise equal: routers that all prefer the first would meet there."""


def divide(pool: Pool, ready: NDArray[np.bool_], place: int, routers: int, parts: NDArray[np.int64]) -> None:
    """Put into `parts`, (backends,), in how many parts the ready backends of each size are divided; 0: not in ours.

    `place` is that of this router among all `routers`. As many parts as divide both alike: 4 routers have a part each
    of 4 or 8 backends, two share each of 2, and all share one that is alone.
    """
    for j in range(ready.shape[0]):
        hosts, before = 0, 0
        for other in range(ready.shape[0]):
            if ready[other] and pool.size_of[other] == pool.size_of[j]:
                hosts += 1
                before += 1 if other < j else 0
        count = math.gcd(routers, hosts)
        parts[j] = count if ready[j] and before % count == place % count else 0


def alone(parts: NDArray[np.int64], routers: int) -> bool:
    """Tell whether nobody else sends to the backends that are ours."""
    return bool(np.all((parts == 0) | (parts == routers)))


def ratio_of(ended: float, own: float, routers: int) -> float:
    """Return how many requests all routers have for each own, of those that ended; before any has, as many as they."""
    return max(ended / own, 1.0) if own > 0.0 else float(routers)


def with_others(
    pool: Pool, own: NDArray[np.int64], ratio: float, parts: NDArray[np.int64], seen: NDArray[np.int64]
) -> None:
    """Put into `seen`, (backends,), what all routers are taken to have there, in requests or in units as `own` is.

    Backends that are not ours are taken to have what ours of that size have in the mean.
    """
    for j in range(own.shape[0]):
        total, hosts, count = 0.0, 0, 1
        for other in range(own.shape[0]):
            if pool.size_of[other] == pool.size_of[j] and parts[other] > 0:
                total += own[other]
                hosts += 1
                count = parts[other]
        mean = total / max(hosts, 1)
        others = max(ratio / count - 1.0, 0.0) * mean
        seen[j] = own[j] + int(others + 0.5) if parts[j] > 0 else max(own[j], int(mean + others + 0.5))


def progress_beside_others_s(pool: Pool, turn: int) -> NDArray[np.float64]:
    """Return the progress of each device: none is known, and of those that are otherwise equal each has its turn."""
    devices = pool.hosted.shape[0]
    progress_s = np.empty(devices)
    for device in range(devices):
        progress_s[device] = -APART_S * ((device + turn) % devices)
    return progress_s
