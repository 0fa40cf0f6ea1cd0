"""The routers' side of a simulation: what each keeps and how each event changes that, by the core's rules. Compiled.

A router learns the correction from every answer, and from an expiry whose answer was predicted earlier. It knows its
own requests at once, and of all others how many had ended when it last looked at what the servers report.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import applied, corrected, faded
from besteffort_core.model import Snapshot
from besteffort_core.others import RATIO_MEMORY_S, progress_beside_others_s, ratio_of, with_others
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Play, World

__all__ = ["Router", "answer", "build_router", "count", "expire", "look", "send", "view"]

NEXT_S, ALL, OWN, ALL_LATELY, OWN_LATELY = range(5)
"""The numbers of a router's looks: when the next is due, the requests that had ended at the last, and those lately."""


class Router(NamedTuple):
    """What the routers keep, a row for each; request k has index k."""

    in_flight: NDArray[np.int64]
    """(routers, backends)"""
    units: NDArray[np.int64]
    """(routers, backends): of those in flight that one pass answers."""
    decoding: NDArray[np.int64]
    """(routers, backends): those in flight that generate."""
    correction: NDArray[np.float64]
    """(routers, backends), as of `learned_s`."""
    weight_s: NDArray[np.float64]
    """(routers, backends): of the correction."""
    learned_s: NDArray[np.float64]
    """(routers, backends): when the correction was last learned."""
    busy: NDArray[np.int64]
    """(routers, devices): requests in flight."""
    since_s: NDArray[np.float64]
    """(routers, devices): the last answer, or when it got its first request."""
    backend_of: NDArray[np.int64]
    """(n,): where a request was sent, -1 if it was not."""
    profiled_s: NDArray[np.float64]
    """(n,): the predicted seconds of a request, not counting the correction."""
    running: NDArray[np.int64]
    """(backends,): units in the batch that runs, as of `formed_s`; a router that has no other beside it knows."""
    first_s: NDArray[np.float64]
    """(backends,): when the request that waits longest was sent."""
    formed_s: NDArray[np.float64]
    """(devices,): when the batch that runs began."""
    rate: NDArray[np.float64]
    """(routers, 2): the estimated arrivals per second, and the seconds of the last arrival."""
    ended: NDArray[np.int64]
    """(routers,): requests that were answered or expired."""
    looks: NDArray[np.float64]
    """(routers, 5): what it knows of others, by the indices of this module."""
    seen: NDArray[np.int64]
    """(3, backends): room for what the router that decides takes to be in flight: requests, units, decoding."""


def build_router(pool: Pool, world: World, requests: int) -> Router:
    """Return routers that have seen nothing yet; they look in turns."""
    backends, devices, routers = pool.size_of.shape[0], pool.hosted.shape[0], world.routers
    looks = np.zeros((routers, 5))
    looks[:, NEXT_S] = world.scrape_s * np.arange(1, routers + 1) / routers
    return Router(
        np.zeros((routers, backends), dtype=np.int64),
        np.zeros((routers, backends), dtype=np.int64),
        np.zeros((routers, backends), dtype=np.int64),
        np.ones((routers, backends)),
        np.zeros((routers, backends)),
        np.zeros((routers, backends)),
        np.zeros((routers, devices), dtype=np.int64),
        np.zeros((routers, devices)),
        np.full(requests, -1, dtype=np.int64),
        np.zeros(requests),
        np.zeros(backends, dtype=np.int64),
        np.zeros(backends),
        np.zeros(devices),
        np.zeros((routers, 2)),
        np.zeros(routers, dtype=np.int64),
        looks,
        np.zeros((3, backends), dtype=np.int64),
    )


def count(router: Router, me: int, now_s: float) -> None:
    """Count an arrival at router `me`."""
    router.rate[me, 0] = rate_after(router.rate[me, 0], now_s - router.rate[me, 1])
    router.rate[me, 1] = now_s


def look(router: Router, world: World, now_s: float) -> None:
    """Let each router whose time has come look at how many requests have ended, just before what happens now.

    A page is `overhead_s` on its way; that changes nothing, as all that is made of it is a ratio.
    """
    kept = math.exp(-world.scrape_s / RATIO_MEMORY_S)
    for me in range(world.routers):
        looks = router.looks[me]
        while looks[NEXT_S] <= now_s:
            ended, own = router.ended.sum(), router.ended[me]
            looks[ALL_LATELY] = kept * looks[ALL_LATELY] + ended - looks[ALL]
            looks[OWN_LATELY] = kept * looks[OWN_LATELY] + own - looks[OWN]
            looks[ALL], looks[OWN] = ended, own
            looks[NEXT_S] += world.scrape_s


def view(router: Router, play: Play, k: int, now_s: float) -> Snapshot:
    """Return what a router sees when it decides about request k, the arrival that it counted last."""
    pool, world, me = play.pool, play.world, play.workload.router[k]
    correction = np.empty(router.correction.shape[1])
    for backend in range(correction.shape[0]):
        correction[backend] = applied(_correction(router, me, backend, now_s))
    if world.routers > 1:
        ratio = ratio_of(router.looks[me, ALL_LATELY], router.looks[me, OWN_LATELY])
        with_others(pool, router.in_flight[me], ratio, router.seen[0])
        with_others(pool, router.units[me], ratio, router.seen[1])
        with_others(pool, router.decoding[me], ratio, router.seen[2])
        progress_s = progress_beside_others_s(pool, k)
        return Snapshot(
            router.seen[0], router.seen[1], router.seen[2], router.running, progress_s, correction, world.ready,
            float(ratio * router.rate[me, 0]), k,
        )  # fmt: skip
    progress_s = np.zeros(router.busy.shape[1])
    if pool.turns:
        if pool.mean_steps == 0.0:
            _form(router, pool)
        _progress(router, pool, correction, now_s, progress_s)
    return Snapshot(
        router.in_flight[0], router.units[0], router.decoding[0], router.running, progress_s, correction, world.ready,
        float(router.rate[0, 0]), k,
    )  # fmt: skip


def _form(router: Router, pool: Pool) -> None:
    """Work out the batch that each device began at its last answer: all that waited where somebody waited longest."""
    for device in range(pool.hosted.shape[0]):
        since_s, chosen = router.since_s[0, device], -1
        if since_s <= router.formed_s[device]:
            continue
        for place in range(pool.hosted.shape[1]):
            j = pool.hosted[device, place]
            if j >= 0:
                router.running[j] = 0
                if router.units[0, j] > 0 and (chosen < 0 or router.first_s[j] < router.first_s[chosen]):
                    chosen = j
        router.formed_s[device] = since_s
        if chosen >= 0:
            router.running[chosen] = min(router.units[0, chosen], pool.max_batch[pool.size_of[chosen]])
            router.first_s[chosen] = since_s


def _progress(
    router: Router, pool: Pool, correction: NDArray[np.float64], now_s: float, progress_s: NDArray[np.float64]
) -> None:
    """Note how long the batch that runs on each device has run: since the last answer, but no longer than it can take.

    In seconds of the profile, as all that the correction is a factor on. Between two tokens nothing comes back, so that
    nothing is known of iterations that only decode; beside other routers nothing is known of any.
    """
    for backend in range(pool.size_of.shape[0]):
        size, device = pool.size_of[backend], pool.device_of[backend]
        units = router.running[backend] if pool.mean_steps == 0.0 else router.units[0, backend]
        batch_s = pool.batch_s[size, min(units, pool.max_batch[size])]
        elapsed_s = (now_s - router.since_s[0, device]) / correction[backend]
        progress_s[device] = max(progress_s[device], min(elapsed_s, batch_s))


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
    me, device = play.workload.router[k], play.pool.device_of[backend]
    if router.units[me, backend] <= router.running[backend]:
        router.first_s[backend] = now_s
    if router.busy[me, device] == 0:
        router.since_s[me, device] = now_s
    _count_in(router, play, backend, k, 1)


def _count_in(router: Router, play: Play, backend: int, k: int, sign: int) -> None:
    workload, me = play.workload, play.workload.router[k]
    router.in_flight[me, backend] += sign
    router.busy[me, play.pool.device_of[backend]] += sign
    if sign < 0:
        router.ended[me] += 1
    if workload.output[k] > 0:
        router.decoding[me, backend] += sign
    else:
        router.units[me, backend] += sign * workload.units[k]


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
    me = workload.router[k]
    _learn(router, pool, me, backend, (now_s, profiled_s, latency_s))
    router.since_s[me, pool.device_of[backend]] = now_s
    _count_in(router, play, backend, k, -1)


def expire(router: Router, play: Play, k: int, now_s: float) -> None:
    """Give up request k, which is worth nothing any more."""
    workload, me = play.workload, play.workload.router[k]
    backend, elapsed_s = router.backend_of[k], now_s - workload.arrival_s[k]
    play.log.outcome[k] = EXPIRED
    _count_in(router, play, backend, k, -1)
    if workload.steps[k] == 0.0 and elapsed_s > router.profiled_s[k] * _correction(router, me, backend, now_s):
        _learn(router, play.pool, me, backend, (now_s, router.profiled_s[k], elapsed_s))


def _correction(router: Router, me: int, backend: int, now_s: float) -> float:
    return faded(router.correction[me, backend], now_s - router.learned_s[me, backend])


def _learn(router: Router, pool: Pool, me: int, backend: int, answered: tuple[float, float, float]) -> None:
    """Correct a backend's latency, answered = (now_s, profiled_s, observed_s); in turns that of all on its device.

    There most of what is predicted for one is the work of the others. If each had its own correction, the one that is
    overrated would look later than what it waits for, and get no requests that could say otherwise. Where requests
    generate each has its own: what is wrong with a prediction is then how the sizes wait for each other, and the error
    of one that waits for long decodes would keep all others off the device (6 points of reward in bursts).
    """
    now_s, profiled_s, observed_s = answered
    device = pool.device_of[backend]
    for place in range(pool.hosted.shape[1]):
        j = pool.hosted[device, place]
        if j == backend or (j >= 0 and pool.turns and pool.mean_steps == 0.0):
            router.correction[me, j], router.weight_s[me, j] = corrected(
                _correction(router, me, j, now_s), router.weight_s[me, j], profiled_s, observed_s
            )
            router.learned_s[me, j] = now_s
