"""The event loop: servers, router and agenda, wired and compiled as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba.core.errors import NumbaError

from besteffort_core.decide import latest_s, route
from besteffort_core.latency import candidates
from besteffort_core.model import Request, Snapshot
from besteffort_core.others import preferred
from besteffort_sim.agenda import DELIVERY, END, EXPIRY, build_agenda, next_event
from besteffort_sim.choice import choose_planned, offer, offer_timely
from besteffort_sim.compiled import compiled
from besteffort_sim.devices import next_finish
from besteffort_sim.errors import SimulationError
from besteffort_sim.model import QUEUE_FULL, Log, Play
from besteffort_sim.router import answer, build_router, count, expire, send
from besteffort_sim.servers import build_servers
from besteffort_sim.serving import abandon, deliver, finish
from besteffort_sim.view import look, view

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_core.policies import Choose, Parameters
    from besteffort_sim.model import Plan, Workload, World

__all__ = ["request_of", "run", "simulate", "snapshot_of"]


def simulate(
    pool: Pool,
    world: World,
    workload: Workload,
    plan: Plan | Parameters,
    *,
    trail: bool = False,
    rule: Choose | None = None,
) -> Log:
    """Return what becomes of each request; with `trail` also what the router saw at each decision.

    With a `rule` of your own, written like those of the core, `plan` is an array of its parameters.

    Raises:
        SimulationError: the rule does not compile, or it takes or returns an index that is not there.
    """
    if rule is None:
        log: Log = compiled(run)(pool, world, workload, plan, trail)
        return log
    try:
        # `route` is the first to use what the rule returns: as one of the replaced it checks that index.
        log = compiled(run, choose_planned=rule, offer=offer_timely, route=route)(pool, world, workload, plan, trail)
    except NumbaError as error:
        raise SimulationError(f"rule {rule.__name__}: numba cannot compile it; its own message says where") from error
    except IndexError as error:
        raise SimulationError(f"rule {rule.__name__}: it takes or returns an index that is not there") from error
    return log


def run(pool: Pool, world: World, workload: Workload, plan: Plan, trail: bool) -> Log:  # noqa: FBT001 - compiled code takes no keywords
    """As `simulate`, interpreted unless compiled."""
    n, backends = workload.arrival_s.shape[0], pool.size_of.shape[0]
    log, agenda = _build_log(n, backends, pool.hosted.shape[0], trail), build_agenda(pool, world, workload)
    play = Play(pool, world, workload, log, agenda.expiry_s)
    servers, router = build_servers(pool, workload), build_router(pool, world, n)
    while True:
        end_s, ending = next_finish(servers)
        now_s, event, k = next_event(agenda, log.outcome, end_s)
        if world.routers > 1 and now_s < np.inf:
            look(router, pool, world, now_s)
        if event == END:
            if ending < 0:
                return log
            k = finish(servers, play, ending, now_s)
            while k >= 0:
                answer(router, play, ending, k, now_s)
                k = servers.following[k]
        elif event == EXPIRY:
            expire(router, play, k, abandon(servers, play, router.backend_of[k], k), now_s)
        elif event == DELIVERY:
            deliver(servers, play, router.backend_of[k], k, now_s)
        else:
            count(router, workload.router[k], now_s)
            snapshot = view(router, play, k, now_s)
            if trail:
                _record(log, snapshot)
            if router.in_flight[workload.router[k]].sum() >= world.max_requests:
                log.outcome[k] = QUEUE_FULL
            else:
                request = request_of(workload, k, snapshot)
                found = candidates(request, pool, snapshot)
                liked = preferred(pool, found, snapshot.leans_s, latest_s(request, pool))
                offered = offer(request, pool, liked, plan)
                backend = choose_planned(request, offered, pool, snapshot, plan)
                send(router, play, snapshot, route(request, pool, found, backend), now_s)


def request_of(workload: Workload, k: int, snapshot: Snapshot) -> Request:
    """Return a request as the policy sees it, beside what the router knows."""
    return Request(workload.task[k], workload.deadline_s[k], workload.units[k], snapshot.length * workload.steps[k])


def _build_log(requests: int, backends: int, devices: int, trail: bool) -> Log:  # noqa: FBT001 - as above
    kept = requests if trail else 0
    return Log(
        np.zeros(requests, dtype=np.int8),
        np.full(requests, -1, dtype=np.int64),
        np.full(requests, np.inf),
        np.zeros(requests),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, devices)),
        np.empty((kept, backends)),
        np.empty(kept),
        np.empty(kept),
    )


def _record(log: Log, snapshot: Snapshot) -> None:
    k = snapshot.sequence
    for j in range(snapshot.in_flight.shape[0]):
        log.in_flight[k, j] = snapshot.in_flight[j]
        log.units[k, j] = snapshot.units[j]
        log.decoding[k, j] = snapshot.decoding[j]
        log.running[k, j] = snapshot.running[j]
        log.correction[k, j] = snapshot.correction[j]
    for d in range(snapshot.progress_s.shape[0]):
        log.progress_s[k, d] = snapshot.progress_s[d]
    log.length[k], log.rate_rps[k] = snapshot.length, snapshot.rate_rps


def snapshot_of(log: Log, world: World, k: int) -> Snapshot:
    """Return what the router saw at decision k of a log with a trail, if it was the only one."""
    return Snapshot(
        log.in_flight[k], log.units[k], log.decoding[k], log.running[k], log.progress_s[k], log.correction[k],
        float(log.length[k]), np.zeros(log.correction.shape[1]), world.ready, log.rate_rps[k], k,
    )  # fmt: skip
