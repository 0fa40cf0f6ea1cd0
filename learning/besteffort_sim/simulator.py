"""The event loop: servers, router and agenda, wired and compiled as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba.core.errors import NumbaError

from besteffort_core.decide import route, timely
from besteffort_core.latency import candidates
from besteffort_core.model import Request, Snapshot
from besteffort_core.observation import encode
from besteffort_sim.agenda import DELIVERY, END, EXPIRY, build_agenda, next_event
from besteffort_sim.choice import choose_planned, offer, offer_timely
from besteffort_sim.compiled import compiled
from besteffort_sim.errors import SimulationError
from besteffort_sim.model import QUEUE_FULL, Log
from besteffort_sim.router import answer, build_router, corrections, count, expire, send
from besteffort_sim.servers import build_servers, deliver, finish_next, next_finish

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_core.policies import Choose, Parameters
    from besteffort_sim.model import Plan, Workload, World

__all__ = ["observations", "run", "simulate"]


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
    log, agenda = _build_log(n, backends, trail), build_agenda(pool, world, workload)
    servers, router = build_servers(pool, n), build_router(backends, n)
    while True:
        end_s, ending = next_finish(servers, pool)
        now_s, event, k = next_event(agenda, log.outcome, end_s)
        if event == END:
            if ending < 0:
                return log
            k = servers.running[ending]
            while k >= 0:
                answer(router, log, workload, pool, (now_s, ending, k))
                k = servers.following[k]
            finish_next(servers, pool, world, workload, log.outcome, (now_s, ending))
        elif event == EXPIRY:
            expire(router, workload, log.outcome, (now_s, k))
        elif event == DELIVERY:
            deliver(servers, pool, world, workload, log.outcome, (now_s, router.backend_of[k], k))
        else:
            rate_rps, correction = count(router, now_s), corrections(router, now_s)
            snapshot = Snapshot(router.in_flight, correction, world.ready, rate_rps, k)
            if trail:
                _record(log, snapshot)
            if router.in_flight.sum() >= world.max_requests:
                log.outcome[k] = QUEUE_FULL
            else:
                request, found = Request(workload.task[k], workload.deadline_s[k]), candidates(pool, snapshot)
                size = choose_planned(request, offer(request, pool, found, plan), pool, snapshot, plan)
                send(router, log, snapshot, route(request, pool, found, size))


def _build_log(requests: int, backends: int, trail: bool) -> Log:  # noqa: FBT001 - as above
    kept = requests if trail else 0
    return Log(
        np.zeros(requests, dtype=np.int8),
        np.full(requests, -1, dtype=np.int64),
        np.full(requests, np.inf),
        np.zeros(requests),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, backends)),
        np.empty(kept),
    )


def _record(log: Log, snapshot: Snapshot) -> None:
    k = snapshot.sequence
    log.in_flight[k] = snapshot.in_flight
    log.correction[k] = snapshot.correction
    log.rate_rps[k] = snapshot.rate_rps


def observations(
    pool: Pool, world: World, workload: Workload, log: Log, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return what a learned policy sees at the decisions `rows` of a log with a trail, (rows, observation_length)."""
    vectors: NDArray[np.float32] = compiled(encode_rows)(pool, world, workload, log, rows)
    return vectors


def encode_rows(pool: Pool, world: World, workload: Workload, log: Log, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """As `observations`, interpreted unless compiled."""
    tasks, sizes = pool.quality.shape
    vectors = np.empty((rows.shape[0], tasks + 5 * sizes + 1), dtype=np.float32)
    for row in range(rows.shape[0]):
        k = rows[row]
        snapshot = Snapshot(log.in_flight[k], log.correction[k], world.ready, log.rate_rps[k], k)
        request = Request(workload.task[k], workload.deadline_s[k])
        vectors[row] = encode(request, timely(request, pool, candidates(pool, snapshot)), pool, snapshot)
    return vectors
