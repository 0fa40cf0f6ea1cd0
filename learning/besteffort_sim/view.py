"""What a router sees of the pool when it decides: of its own at once, of others by what servers reported. Compiled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import applied
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
from besteffort_sim.router import correction_of, length_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Play, World
    from besteffort_sim.router import Router

__all__ = ["look", "view"]

OWN, THEIRS = range(2)
"""Whose requests are counted."""


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
        router.own_devices[me, device] = is_own(own_s[device], theirs_s[device])


def view(router: Router, play: Play, k: int, now_s: float) -> Snapshot:
    """Return what a router sees when it decides about request k, the arrival that it counted last."""
    pool, world, me = play.pool, play.world, play.workload.router[k]
    length = length_of(router, me, now_s)
    correction = np.empty(router.correction.shape[1])
    for backend in range(correction.shape[0]):
        correction[backend] = applied(correction_of(router, me, backend, now_s))
    if pool.turns and pool.mean_steps == 0.0:
        for device in range(router.busy.shape[1]):
            _form(router, pool, me, device)
    if world.routers > 1:
        return _beside_others(router, play, k, now_s, (correction, length))
    progress_s = np.zeros(router.busy.shape[1])
    if pool.turns:
        for device in range(progress_s.shape[0]):
            progress_s[device] = _progress_s(router, pool, (me, device), correction, now_s)
    return Snapshot(
        router.in_flight[0], router.units[0], router.decoding[0], router.running[0], progress_s, correction,
        length, router.leans_s[0], world.ready, float(router.rate[0, 0]), k,
    )  # fmt: skip


def _beside_others(
    router: Router, play: Play, k: int, now_s: float, learned: tuple[NDArray[np.float64], float]
) -> Snapshot:
    """As `view`, where there are more routers; learned = (correction, length)."""
    correction, length = learned
    pool, me = play.pool, play.workload.router[k]
    own, theirs = router.lately[me, OWN], router.lately[me, THEIRS]
    ratio = ratio_of(own.sum() + theirs.sum(), own.sum())
    _see(router, pool, me, ratio)
    progress_s = progress_beside_others_s(pool, k)
    if pool.turns and pool.mean_steps == 0.0:
        for device in range(progress_s.shape[0]):
            if router.own_devices[me, device]:
                progress_s[device] = _progress_s(router, pool, (me, device), correction, now_s)
                _see_running(router, pool, me, device)
    return Snapshot(
        router.seen[0], router.seen[1], router.seen[2], router.seen[3], progress_s, correction,
        length, router.leans_s[me], play.world.ready, float(ratio * router.rate[me, 0]), k,
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


def _see_running(router: Router, pool: Pool, me: int, device: int) -> None:
    for j in pool.hosted[device]:
        if j >= 0:
            router.seen[3, j] = router.running[me, j]


def _progress_s(
    router: Router, pool: Pool, where: tuple[int, int], correction: NDArray[np.float64], now_s: float
) -> float:
    """Return how long what runs of ours on a device, where = (me, device), has run: at most what it can take.

    Since the last answer; in seconds of the profile, as all that the correction is a factor on. Between two tokens
    nothing comes back, so that nothing is known of iterations that only decode.
    """
    (me, device), progress_s = where, 0.0
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
    for j in pool.hosted[device]:
        if j >= 0:
            router.running[me, j] = 0
            if router.units[me, j] > 0 and (chosen < 0 or router.first_s[me, j] < router.first_s[me, chosen]):
                chosen = j
    router.formed_s[me, device] = since_s
    if chosen >= 0:
        router.running[me, chosen] = min(router.units[me, chosen], pool.max_batch[pool.size_of[chosen]])
        router.first_s[me, chosen] = since_s
