"""The router's side of a simulation: what it keeps and how each event changes that, by the core's rules. Compiled.

It learns the correction from every answer, and from an expiry whose answer was predicted earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import corrected
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY, PENDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Workload

__all__ = ["Router", "answer", "build_router", "count", "expire", "send"]


class Router(NamedTuple):
    """What the router keeps; request k has index k."""

    in_flight: NDArray[np.int64]
    """(backends,)"""
    correction: NDArray[np.float64]
    """(backends,)"""
    backend_of: NDArray[np.int64]
    """(n,): where a request was sent, -1 if it was not."""
    profiled_s: NDArray[np.float64]
    """(n,): the predicted seconds of a request, not counting the correction."""
    rate: NDArray[np.float64]
    """(2,): the estimated arrivals per second, and the seconds of the last arrival."""


def build_router(backends: int, requests: int) -> Router:
    """Return a router that has seen nothing yet."""
    return Router(
        np.zeros(backends, dtype=np.int64),
        np.ones(backends),
        np.full(requests, -1, dtype=np.int64),
        np.zeros(requests),
        np.zeros(2),
    )


def count(router: Router, now_s: float) -> float:
    """Count an arrival and return the estimated arrivals per second."""
    router.rate[0] = rate_after(router.rate[0], now_s - router.rate[1])
    router.rate[1] = now_s
    return float(router.rate[0])


def send(router: Router, log: Log, k: int, routed: tuple[int, int, float]) -> None:
    """Send a request where the core routed it, or refuse it."""
    size, backend, predicted_s = routed
    log.size[k] = size
    router.backend_of[k] = backend
    if backend >= 0:
        router.profiled_s[k] = predicted_s / router.correction[backend]
        router.in_flight[backend] += 1
    else:
        log.outcome[k] = HOPELESS if size >= 0 else NOT_READY


def answer(router: Router, log: Log, workload: Workload, pool: Pool, event: tuple[float, int, int]) -> None:
    """Take the answer of a batch to one of its requests, event = (now_s, backend, request); too late for an expired."""
    now_s, backend, k = event
    if log.outcome[k] != PENDING:
        return
    latency_s = now_s - workload.arrival_s[k]
    quality = pool.quality[workload.task[k], log.size[k]]
    log.outcome[k] = ANSWERED
    log.latency_s[k] = latency_s
    log.reward[k] = utility(quality, latency_s, workload.deadline_s[k], pool.grace_factor)
    router.correction[backend] = corrected(router.correction[backend], router.profiled_s[k], latency_s)
    router.in_flight[backend] -= 1


def expire(router: Router, outcome: NDArray[np.int8], k: int, elapsed_s: float) -> None:
    """Give up a request that is worth nothing any more."""
    backend = router.backend_of[k]
    outcome[k] = EXPIRED
    router.in_flight[backend] -= 1
    if elapsed_s > router.profiled_s[k] * router.correction[backend]:
        router.correction[backend] = corrected(router.correction[backend], router.profiled_s[k], elapsed_s)
