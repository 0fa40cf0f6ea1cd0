"""The router's side of a simulation: what it keeps and how each event changes that, by the core's rules. Compiled.

It learns the correction from every answer, and from an expiry whose answer was predicted earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import corrected, faded
from besteffort_core.model import Snapshot
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Play, Workload, World

__all__ = ["Router", "answer", "build_router", "count", "expire", "send", "view"]


class Router(NamedTuple):
    """What the router keeps; request k has index k."""

    in_flight: NDArray[np.int64]
    """(backends,)"""
    units: NDArray[np.int64]
    """(backends,): of those in flight that one pass answers."""
    decoding: NDArray[np.int64]
    """(backends,): those in flight that generate."""
    correction: NDArray[np.float64]
    """(backends,), as of `learned_s`."""
    learned_s: NDArray[np.float64]
    """(backends,): when the correction was last learned."""
    device_of: NDArray[np.int64]
    """(backends,)"""
    busy: NDArray[np.int64]
    """(devices,): requests in flight."""
    since_s: NDArray[np.float64]
    """(devices,): the last answer, or when it got its first request."""
    backend_of: NDArray[np.int64]
    """(n,): where a request was sent, -1 if it was not."""
    profiled_s: NDArray[np.float64]
    """(n,): the predicted seconds of a request, not counting the correction."""
    rate: NDArray[np.float64]
    """(2,): the estimated arrivals per second, and the seconds of the last arrival."""


def build_router(pool: Pool, requests: int) -> Router:
    """Return a router that has seen nothing yet."""
    backends, devices = pool.size_of.shape[0], pool.hosted.shape[0]
    return Router(
        np.zeros(backends, dtype=np.int64),
        np.zeros(backends, dtype=np.int64),
        np.zeros(backends, dtype=np.int64),
        np.ones(backends),
        np.zeros(backends),
        pool.device_of,
        np.zeros(devices, dtype=np.int64),
        np.zeros(devices),
        np.full(requests, -1, dtype=np.int64),
        np.zeros(requests),
        np.zeros(2),
    )


def count(router: Router, now_s: float) -> None:
    """Count an arrival."""
    router.rate[0] = rate_after(router.rate[0], now_s - router.rate[1])
    router.rate[1] = now_s


def view(router: Router, pool: Pool, world: World, k: int, now_s: float) -> Snapshot:
    """Return what the router sees when it decides about request k, the arrival that it counted last."""
    correction = np.empty(router.correction.shape[0])
    for backend in range(correction.shape[0]):
        correction[backend] = _correction(router, backend, now_s)
    progress_s = np.zeros(router.busy.shape[0])
    if pool.turns:
        _progress(router, pool, now_s, progress_s)
    return Snapshot(
        router.in_flight, router.units, router.decoding, progress_s, correction, world.ready, float(router.rate[0]), k
    )


def _progress(router: Router, pool: Pool, now_s: float, progress_s: NDArray[np.float64]) -> None:
    """Note how long the batch that runs on each device has run: since the last answer, but no longer than it can take.

    Between two tokens nothing comes back, so that nothing is known of iterations that only decode.
    """
    for backend in range(pool.size_of.shape[0]):
        size, device = pool.size_of[backend], pool.device_of[backend]
        batch_s = pool.batch_s[size, min(router.units[backend], pool.max_batch[size])]
        progress_s[device] = max(progress_s[device], min(now_s - router.since_s[device], batch_s))


def send(router: Router, play: Play, snapshot: Snapshot, routed: tuple[int, int, float], now_s: float) -> None:
    """Send a request where the core routed it, or refuse it."""
    k, log = snapshot.sequence, play.log
    size, backend, predicted_s = routed
    log.size[k] = size
    router.backend_of[k] = backend
    if backend < 0:
        log.outcome[k] = HOPELESS if size >= 0 else NOT_READY
        return
    router.profiled_s[k] = predicted_s / snapshot.correction[backend]
    device = play.pool.device_of[backend]
    if router.busy[device] == 0:
        router.since_s[device] = now_s
    _count_in(router, play.workload, backend, k, 1)


def _count_in(router: Router, workload: Workload, backend: int, k: int, sign: int) -> None:
    router.in_flight[backend] += sign
    router.busy[router.device_of[backend]] += sign
    if workload.output[k] > 0:
        router.decoding[backend] += sign
    else:
        router.units[backend] += sign * workload.units[k]


def answer(router: Router, play: Play, backend: int, k: int, now_s: float) -> None:
    """Take a backend's answer to request k."""
    pool, workload, log = play.pool, play.workload, play.log
    latency_s = now_s - workload.arrival_s[k]
    quality = pool.quality[workload.task[k], log.size[k]]
    if workload.difficulty.shape[0] > 0:
        quality = 1.0 if workload.difficulty[k] < quality else 0.0
    log.outcome[k] = ANSWERED
    log.latency_s[k] = latency_s
    log.reward[k] = utility(quality, latency_s, workload.deadline_s[k], pool.grace_factor)
    profiled_s = router.profiled_s[k]
    if workload.steps[k] > 0.0:
        profiled_s *= workload.output[k] / workload.steps[k]
    _learn(router, backend, now_s, profiled_s, latency_s)
    router.since_s[pool.device_of[backend]] = now_s
    _count_in(router, workload, backend, k, -1)


def expire(router: Router, play: Play, k: int, now_s: float) -> None:
    """Give up request k, which is worth nothing any more."""
    workload = play.workload
    backend, elapsed_s = router.backend_of[k], now_s - workload.arrival_s[k]
    play.log.outcome[k] = EXPIRED
    _count_in(router, workload, backend, k, -1)
    if workload.steps[k] == 0.0 and elapsed_s > router.profiled_s[k] * _correction(router, backend, now_s):
        _learn(router, backend, now_s, router.profiled_s[k], elapsed_s)


def _correction(router: Router, backend: int, now_s: float) -> float:
    return faded(router.correction[backend], now_s - router.learned_s[backend])


def _learn(router: Router, backend: int, now_s: float, profiled_s: float, observed_s: float) -> None:
    router.correction[backend] = corrected(_correction(router, backend, now_s), profiled_s, observed_s)
    router.learned_s[backend] = now_s
