"""The routers' side of a simulation: what each keeps and how each event changes that, by the core's rules. Compiled.

A router learns the correction from every answer, from the tokens that came of a generation that expired, and from any
other expiry whose answer was predicted earlier. From outputs, those that are cut off among them, it learns how long
they are. It knows its own requests at once, and of all others how many had ended on each backend, and how many
generations decoded there, when it last looked at what the servers report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.latency import corrected, cut_off, faded, unanswered_s
from besteffort_core.utility import utility
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool, Snapshot
    from besteffort_sim.model import Play, World

__all__ = ["Router", "answer", "build_router", "correction_of", "count", "expire", "length_of", "send"]


VALUE, WEIGHT, LEARNED_S = range(3)


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
    length: NDArray[np.float64]
    """(routers, 3), of VALUE, WEIGHT, LEARNED_S: observed over expected tokens of a generation, as the correction."""
    busy: NDArray[np.int64]
    """(routers, devices): requests in flight."""
    since_s: NDArray[np.float64]
    """(routers, devices): the last answer, or when it got its first request."""
    backend_of: NDArray[np.int64]
    """(n,): where a request was sent, -1 if it was not."""
    profiled_s: NDArray[np.float64]
    """(n,): the predicted seconds of a request, not counting the corrections."""
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
    own_devices: NDArray[np.bool_]
    """(routers, devices): where hardly anything of others ended lately, as of the last look."""
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
        np.ones((routers, 1)) * np.array([1.0, 0.0, 0.0]),
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
    if play.workload.steps[k] > 0.0:
        router.profiled_s[k] /= snapshot.length
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
    profiled_s, me = router.profiled_s[k], workload.router[k]
    if workload.steps[k] > 0.0:
        profiled_s *= workload.output[k] / workload.steps[k]
        _learn_length(router, me, workload.steps[k], float(workload.output[k]), now_s)
    _learn(router, pool, me, backend, (now_s, profiled_s, latency_s))
    router.since_s[me, pool.device_of[backend]] = now_s
    _count_in(router, play, backend, k, -1)


def expire(router: Router, play: Play, k: int, tokens: int, now_s: float) -> None:
    """Give up request k, of which so many tokens came, and which is worth nothing any more.

    A generation of which none came may have waited behind others that do well: it says something only where nothing
    was learned of its backend since it was sent.
    """
    workload, me = play.workload, play.workload.router[k]
    backend, elapsed_s = router.backend_of[k], now_s - workload.arrival_s[k]
    play.log.outcome[k] = EXPIRED
    _count_in(router, play, backend, k, -1)
    profiled_s, steps = router.profiled_s[k], workload.steps[k]
    if tokens > 0:
        _learn(router, play.pool, me, backend, (now_s, profiled_s * tokens / steps, elapsed_s))
        output = cut_off(float(tokens), steps * length_of(router, me, now_s))
        if output > 0.0:
            _learn_length(router, me, steps, output, now_s)
        return
    if steps > 0.0 and router.learned_s[me, backend] > workload.arrival_s[k]:
        return
    observed_s = unanswered_s(elapsed_s, profiled_s * correction_of(router, me, backend, now_s))
    if observed_s > 0.0:
        _learn(router, play.pool, me, backend, (now_s, profiled_s, observed_s))


def correction_of(router: Router, me: int, backend: int, now_s: float) -> float:
    """Return what a router takes a backend's observed over profiled seconds to be now."""
    return faded(router.correction[me, backend], now_s - router.learned_s[me, backend])


def length_of(router: Router, me: int, now_s: float) -> float:
    """Return what a router takes observed over expected tokens of a generation to be now."""
    return faded(router.length[me, VALUE], now_s - router.length[me, LEARNED_S])


def _learn_length(router: Router, me: int, expected: float, observed: float, now_s: float) -> None:
    row = router.length[me]
    row[VALUE], row[WEIGHT] = corrected(length_of(router, me, now_s), row[WEIGHT], expected, observed)
    row[LEARNED_S] = now_s


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
                correction_of(router, me, j, now_s), router.weight_s[me, j], profiled_s, observed_s
            )
            router.learned_s[me, j] = now_s
