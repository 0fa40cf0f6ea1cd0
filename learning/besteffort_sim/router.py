"""The router's side of a simulation: what it keeps and how each event changes that, by the core's rules. Compiled.

It learns the correction from every answer, and from an expiry whose answer was predicted earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import corrected, faded
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY, PENDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool, Snapshot
    from besteffort_sim.model import Log, Workload

__all__ = ["Router", "answer", "build_router", "corrections", "count", "expire", "send"]


class Router(NamedTuple):
    """What the router keeps; request k has index k."""

    in_flight: NDArray[np.int64]
    """(backends,)"""
    correction: NDArray[np.float64]
    """(backends,), as of `learned_s`."""
    learned_s: NDArray[np.float64]
    """(backends,): when the correction was last learned."""
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
        np.zeros(backends),
        np.full(requests, -1, dtype=np.int64),
        np.zeros(requests),
        np.zeros(2),
    )


def count(router: Router, now_s: float) -> float:
    """Count an arrival and return the estimated arrivals per second."""
    router.rate[0] = rate_after(router.rate[0], now_s - router.rate[1])
    router.rate[1] = now_s
    return float(router.rate[0])


def corrections(router: Router, now_s: float) -> NDArray[np.float64]:
    """Return the corrections as they are now, (backends,)."""
    now = np.empty(router.correction.shape[0])
    for backend in range(now.shape[0]):
        now[backend] = _correction(router, backend, now_s)
    return now


def send(router: Router, log: Log, snapshot: Snapshot, routed: tuple[int, int, float]) -> None:
    """Send a request where the core routed it, or refuse it."""
    k = snapshot.sequence
    size, backend, predicted_s = routed
    log.size[k] = size
    router.backend_of[k] = backend
    if backend >= 0:
        router.profiled_s[k] = predicted_s / snapshot.correction[backend]
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
    _learn(router, backend, now_s, router.profiled_s[k], latency_s)
    router.in_flight[backend] -= 1


def expire(router: Router, workload: Workload, outcome: NDArray[np.int8], event: tuple[float, int]) -> None:
    """Give up a request that is worth nothing any more, event = (now_s, request)."""
    now_s, k = event
    backend, elapsed_s = router.backend_of[k], now_s - workload.arrival_s[k]
    outcome[k] = EXPIRED
    router.in_flight[backend] -= 1
    if elapsed_s > router.profiled_s[k] * _correction(router, backend, now_s):
        _learn(router, backend, now_s, router.profiled_s[k], elapsed_s)


def _correction(router: Router, backend: int, now_s: float) -> float:
    return faded(router.correction[backend], now_s - router.learned_s[backend])


def _learn(router: Router, backend: int, now_s: float, profiled_s: float, observed_s: float) -> None:
    router.correction[backend] = corrected(_correction(router, backend, now_s), profiled_s, observed_s)
    router.learned_s[backend] = now_s
