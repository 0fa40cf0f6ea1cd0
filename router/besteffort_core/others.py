"""What other routers have in flight, told from one router's own requests and from what has ended on each backend.

What a server said a second ago is noise where deadlines are a tenth of that. But others route by the same rules what
comes from the same traffic, so that each size has now of theirs what it has of ours, times how many more they have; on
those of its backends where theirs ended lately. A generation lasts longer than that: of those, what was said holds.

What nobody else sends to is known to the last request. So each router leans to the devices that others use least, by no
more than a pass or two: each finds some of its own, without being told of the others, and still leaves them for any
that is clearly better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import request_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool

__all__ = ["MEMORY_S", "is_own", "progress_beside_others_s", "ratio_of", "shares_of", "with_others"]

MEMORY_S = 5.0
"""Time constant in which requests that have ended no longer count."""
APART_S = 1e-4
"""Between two devices that are otherwise equal: routers that all prefer the first would meet there."""
LEAN_PASSES = 2.0
"""By so many passes of one request of the best size a router prefers the devices that others use least."""
STEEPNESS = 4.0
"""The part of the mean share by which others must use a device more, to the least, for all of that is one over this."""
OWN_SHARE = 0.1
"""A device that has no more of the work of others than this is taken to be ours alone."""


def ratio_of(ended: float, own: float) -> float:
    """Return how many requests all routers have for each own, 1 where there is no other; of requests that ended."""
    return max(ended / own, 1.0) if own > 0.0 else 1.0


def with_others(
    pool: Pool, own: NDArray[np.int64], ratio: float, theirs: NDArray[np.float64], seen: NDArray[np.int64]
) -> None:
    """Put into `seen`, (backends,), what all routers are taken to have there, in requests or in units as `own` is.

    `theirs`, (backends,), are the requests of others that ended there lately.
    """
    if ratio == 1.0:
        seen[:] = own
        return
    sizes = pool.max_batch.shape[0]
    ours, ended, hosts = np.zeros(sizes), np.zeros(sizes), np.zeros(sizes)
    for j in range(own.shape[0]):
        size = pool.size_of[j]
        ours[size] += own[j]
        ended[size] += theirs[j]
        hosts[size] += 1.0
    for j in range(own.shape[0]):
        size = pool.size_of[j]
        part = theirs[j] / ended[size] if ended[size] > 0.0 else 1.0 / hosts[size]
        seen[j] = own[j] + int((ratio - 1.0) * ours[size] * part + 0.5)


def shares_of(pool: Pool, theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each device, (devices,), in the work of others that ended lately; alike where none did."""
    work_s = np.zeros(pool.hosted.shape[0])
    for j in range(theirs.shape[0]):
        work_s[pool.device_of[j]] += theirs[j] * request_s(pool, pool.size_of[j])
    total_s = work_s.sum()
    for device in range(work_s.shape[0]):
        work_s[device] = work_s[device] / total_s if total_s > 0.0 else 1.0 / work_s.shape[0]
    return work_s


def is_own(share: float) -> bool:
    """Tell whether what a router knows of a device is all there is."""
    return share < OWN_SHARE


def progress_beside_others_s(pool: Pool, shares: NDArray[np.float64], turn: int) -> NDArray[np.float64]:
    """Return the progress that devices are taken to have made: none is known, and less than none is not preferred.

    The devices that others use least come first; of those that are otherwise equal each has its turn.
    """
    devices = pool.hosted.shape[0]
    lean_s, least = LEAN_PASSES * pool.batch_s[pool.rank[0], 1], shares.min()
    progress_s = np.empty(devices)
    for device in range(devices):
        more = STEEPNESS * devices * (shares[device] - least)
        progress_s[device] = -APART_S * ((device + turn) % devices) - lean_s * min(more, 1.0)
    return progress_s
