"""The routers' side of a simulation: what each keeps and how each event changes that, by the core's rules. Compiled.

A router learns the correction from every answer, and from an expiry whose answer was predicted earlier. It knows its
own requests at once, and of all others how many had ended on each backend, and how many generations decoded there,
when it last looked at what the servers report.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import applied, corrected, faded
from besteffort_core.model import Snapshot
from besteffort_core.others import (
    MEMORY_S,
    device_work_s,
    is_own,
    leans_s,
    progress_beside_others_s,
    ratio_of,
    with_others,
)
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Play, World

__all__ = ["Router", "answer", "build_router", "count", "expire", "look", "send", "view"]

OWN, THEIRS = range(2)
"""Whose requests are counted."""


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
    """(routers, backends): units in the batch that runs, as of `formed_s`, if it has none but this router's."""
    first_s: NDArray[np.float64]
    """(routers, backends): when the request that waits longest was sent."""
    formed_s: NDArray[np.float64]
    """(routers, devices): when the batch that runs began."""
    rate: NDArray[np.float64]
    """(routers, 2): the estimated arrivals per second, and the seconds of the last arrival."""
    ended: NDArray[np.int64]
    """(routers, backends): requests that were answered or expired."""
    next_look_s: NDArray[np.float64]
    """(routers,)"""
    looked: NDArray[np.int64]
    """(routers, 2, backends): own requests, and those of others, that had ended at the last look."""
    lately: NDArray[np.float64]
    """(routers, 2, backends): those that ended lately."""
    elsewhere: NDArray[np.int64]
    """(routers, backends): generations of others, at the last look."""
    leans_s: NDArray[np.float64]
    """(routers, backends): as of the last look."""
    alone: NDArray[np.bool_]
    """(routers, devices): those on which hardly anything of others ended lately, as of the last look."""
    seen: NDArray[np.int64]
    """(4, backends): room for what the router that decides takes to be there: in flight, units, decoding, running."""


def build_router(pool: Pool, world: World, requests: int) -> Router:
    """Return routers that have seen nothing yet; they look in turns."""
    backends, devices, routers = pool.size_of.shape[0], pool.hosted.shape[0], world.routers
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
        np.zeros((routers, backends), dtype=np.int64),
        np.zeros((routers, backends)),
        np.zeros((routers, devices)),
        np.zeros((routers, 2)),
        np.zeros((routers, backends), dtype=np.int64),
        world.scrape_s * np.arange(1, routers + 1) / routers,
        np.zeros((routers, 2, backends), dtype=np.int64),
        np.zeros((routers, 2, backends)),
        np.zeros((routers, backends), dtype=np.int64),
        np.zeros((routers, backends)),
        np.ones((routers, devices), dtype=np.bool_),
        np.zeros((4, backends), dtype=np.int64),
    )


def count(router: Router, me: int, now_s: float) -> None:
    """Count an arrival at router `me`."""
    router.rate[me, 0] = rate_after(router.rate[me, 0], now_s - router.rate[me, 1])
    router.rate[me, 1] = now_s


def look(router: Router, pool: Pool, world: World, now_s: float) -> None:
    """Let each router whose time has come look at what the servers report, just before what happens now.

    A page is `overhead_s` on its way; that is left out, as what is made of it are means over seconds.
    """
    fade = math.exp(-world.scrape_s / MEMORY_S)
    for me in range(world.routers):
        while router.next_look_s[me] <= now_s:
            for j in range(router.ended.shape[1]):
                own, every = router.ended[me, j], router.ended[:, j].sum()
                for whose, ended in ((OWN, own), (THEIRS, every - own)):
                    kept = fade * router.lately[me, whose, j]
                    router.lately[me, whose, j] = kept + ended - router.looked[me, whose, j]
                    router.looked[me, whose, j] = ended
                router.elsewhere[me, j] = router.decoding[:, j].sum() - router.decoding[me, j]
            _tell_apart(router, pool, world, me)
            router.next_look_s[me] += world.scrape_s


def _tell_apart(router: Router, pool: Pool, world: World, me: int) -> None:
    """Note where a router leans, and which devices are its own."""
    own, theirs = router.lately[me, OWN], router.lately[me, THEIRS]
    router.leans_s[me] = leans_s(pool, theirs, world.ready)
    own_s, theirs_s = device_work_s(pool, own), device_work_s(pool, theirs)
    for device in range(own_s.shape[0]):
        router.alone[me, device] = is_own(own_s[device], theirs_s[device])


def view(router: Router, play: Play, k: int, now_s: float) -> Snapshot:
    """Return what a router sees when it decides about request k, the arrival that it counted last."""
    pool, world, me = play.pool, play.world, play.workload.router[k]
    correction = np.empty(router.correction.shape[1])
    for backend in range(correction.shape[0]):
        correction[backend] = applied(_correction(router, me, backend, now_s))
    if world.routers > 1:
        return _beside_others(router, play, k, now_s, correction)
    progress_s = np.zeros(router.busy.shape[1])
    if pool.turns:
        for device in range(progress_s.shape[0]):
            progress_s[device] = _progress_s(router, pool, (me, device), correction, now_s)
    return Snapshot(
        router.in_flight[0], router.units[0], router.decoding[0], router.running[0], progress_s, correction,
        router.leans_s[0], world.ready, float(router.rate[0, 0]), k,
    )  # fmt: skip


def _beside_others(router: Router, play: Play, k: int, now_s: float, correction: NDArray[np.float64]) -> Snapshot:
    pool, me = play.pool, play.workload.router[k]
    own, theirs = router.lately[me, OWN], router.lately[me, THEIRS]
    ratio = ratio_of(own.sum() + theirs.sum(), own.sum())
    _see(router, pool, me, ratio)
    progress_s = progress_beside_others_s(pool, k)
    if pool.turns and pool.mean_steps == 0.0:
        for device in range(progress_s.shape[0]):
            known_s = _progress_s(router, pool, (me, device), correction, now_s)
            if router.alone[me, device]:
                progress_s[device] = max(progress_s[device], known_s)
                for j in pool.hosted[device]:
                    if j >= 0:
                        router.seen[3, j] = router.running[me, j]
    return Snapshot(
        router.seen[0], router.seen[1], router.seen[2], router.seen[3], progress_s, correction,
        router.leans_s[me], play.world.ready, float(ratio * router.rate[me, 0]), k,
    )  # fmt: skip


def _see(router: Router, pool: Pool, me: int, ratio: float) -> None:
    """Note what a router takes to be on each backend, its own and that of others.

    A generation lasts longer than the time between two looks: of those, what the last one said holds.
    """
    theirs = router.lately[me, THEIRS]
    with_others(pool, router.in_flight[me], ratio, theirs, router.seen[0])
    with_others(pool, router.units[me], ratio, theirs, router.seen[1])
    for j in range(theirs.shape[0]):
        router.seen[2, j] = router.decoding[me, j] + router.elsewhere[me, j]
        router.seen[0, j] = max(router.seen[0, j], router.seen[2, j])
        router.seen[3, j] = 0


def _progress_s(
    router: Router, pool: Pool, where: tuple[int, int], correction: NDArray[np.float64], now_s: float
) -> float:
    """Return how long what runs of ours on a device, where = (me, device), has run: at most what it can take.

    Since the last answer; in seconds of the profile, as all that the correction is a factor on. Between two tokens
    nothing comes back, so that nothing is known of iterations that only decode.
    """
    me, device = where
    if pool.mean_steps == 0.0:
        _form(router, pool, me, device)
    progress_s = 0.0
    for j in pool.hosted[device]:
        if j >= 0:
            units = router.running[me, j] if pool.mean_steps == 0.0 else router.units[me, j]
            batch_s = pool.batch_s[pool.size_of[j], min(units, pool.max_batch[pool.size_of[j]])]
            progress_s = max(progress_s, min((now_s - router.since_s[me, device]) / correction[j], batch_s))
    return progress_s


def _form(router: Router, pool: Pool, me: int, device: int) -> None:
    """Work out the batch that a device began at its last answer: all that waited where somebody waited longest."""
    since_s, chosen = router.since_s[me, device], -1
    if since_s <= router.formed_s[me, device]:
        return
    for place in range(pool.hosted.shape[1]):
        j = pool.hosted[device, place]
        if j >= 0:
            router.running[me, j] = 0
            if router.units[me, j] > 0 and (chosen < 0 or router.first_s[me, j] < router.first_s[me, chosen]):
                chosen = j
    router.formed_s[me, device] = since_s
    if chosen >= 0:
        router.running[me, chosen] = min(router.units[me, chosen], pool.max_batch[pool.size_of[chosen]])
        router.first_s[me, chosen] = since_s


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
    if router.units[me, backend] <= router.running[me, backend]:
        router.first_s[me, backend] = now_s
    if router.busy[me, device] == 0:
        router.since_s[me, device] = now_s
    _count_in(router, play, backend, k, 1)


def _count_in(router: Router, play: Play, backend: int, k: int, sign: int) -> None:
    workload, me = play.workload, play.workload.router[k]
    router.in_flight[me, backend] += sign
    router.busy[me, play.pool.device_of[backend]] += sign
    if sign < 0:
        router.ended[me, backend] += 1
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
