"""What other routers have in flight, told from one router's own requests and from what has ended on each backend.

What a server said a second ago is noise where deadlines are a tenth of that. But others route by the same rules what
comes from the same traffic, so that each size has now of theirs what it has of ours, times how many more they have; on
those of its backends where theirs ended lately.

Where sizes take turns and nothing generates, a router can tell what runs on a device that hardly anyone else sends to.
So of the backends of a size it prefers those whose devices do least for others, by two passes. Each finds devices of
its own that way, without being told of the others, and uses all where it has most of the requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import request_s
from besteffort_core.model import Candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool

__all__ = [
    "MEMORY_S",
    "device_work_s",
    "is_own",
    "leans_s",
    "preferred",
    "progress_beside_others_s",
    "ratio_of",
    "with_others",
]

MEMORY_S = 5.0
"""Time constant in which requests that have ended no longer count."""
APART_S = 1e-4
"""Less than this is between devices that are otherwise equal: routers that all prefer the first would meet there."""
LEAN_PASSES = 2.0
"""By so many passes, of one unit of the best size, a backend must be done earlier than one that is preferred."""
STEEPNESS = 4.0
"""All of that counts once a device does more for others than the preferred one by the mean over this."""
OWN_SHARE = 0.3
"""A device of whose work others have no more than this is taken to be ours alone."""


def ratio_of(ended: float, own: float) -> float:
    """Return how many requests all routers have for each own, of those that ended; 1 also where none of ours did."""
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


def device_work_s(pool: Pool, ended: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds of work on each device, (devices,), of what ended on backends, each taken as one pass."""
    work_s = np.zeros(pool.hosted.shape[0])
    for j in range(ended.shape[0]):
        work_s[pool.device_of[j]] += ended[j] * request_s(pool, pool.size_of[j])
    return work_s


def is_own(own_s: float, theirs_s: float) -> bool:
    """Tell from the work of ours and of others on a device whether what we know of it is all there is."""
    return theirs_s <= OWN_SHARE * (own_s + theirs_s)


def leans_s(pool: Pool, theirs: NDArray[np.float64], ready: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each backend, (backends,), how much earlier it must be done than a preferred one of its size."""
    leans = np.zeros(theirs.shape[0])
    if not pool.turns or pool.mean_steps > 0.0:
        return leans
    work_s, most_s = device_work_s(pool, theirs), LEAN_PASSES * pool.batch_s[pool.rank[0], 1]
    for j in range(leans.shape[0]):
        least_s, total_s, hosts = np.inf, 0.0, 0
        for other in range(leans.shape[0]):
            if ready[other] and pool.size_of[other] == pool.size_of[j]:
                least_s = min(least_s, work_s[pool.device_of[other]])
                total_s += work_s[pool.device_of[other]]
                hosts += 1
        if ready[j] and total_s > 0.0:
            more = (work_s[pool.device_of[j]] - least_s) * hosts / total_s
            leans[j] = most_s * min(STEEPNESS * more, 1.0)
    return leans


def preferred(pool: Pool, found: Candidates, leans: NDArray[np.float64], latest_s: float) -> Candidates:
    """Return the candidates as they are chosen from, with what is not preferred taken to be done later by its lean.

    To choose, and for that alone: what is promised, refused and learned from is the prediction. Where they would leave
    nobody who is done by `latest_s`, and somebody is, leans do not count.
    """
    if not leans.any():
        return found
    finish_s = found.finish_s + leans
    if found.finish_s.min() <= latest_s < finish_s.min():
        return found
    backend = found.backend.copy()
    for j in range(finish_s.shape[0]):
        best = backend[pool.size_of[j]]
        if best >= 0 and finish_s[j] < finish_s[best]:
            backend[pool.size_of[j]] = j
    return Candidates(backend, finish_s, found.backlog_s, found.cost_s)


def progress_beside_others_s(pool: Pool, turn: int) -> NDArray[np.float64]:
    """Return the progress of each device: none is known, and of those that are otherwise equal each has its turn."""
    devices = pool.hosted.shape[0]
    progress_s = np.empty(devices)
    for device in range(devices):
        progress_s[device] = -APART_S * ((device + turn) % devices) / devices
    return progress_s
