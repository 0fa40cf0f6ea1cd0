"""The event loop: arrivals, deliveries, ends of batches and expiries, in order of time.

At one instant the order is: end of a batch, expiry, delivery, arrival. So an answer at its very deadline counts, and
room that a request leaves is seen by the next decision. What arrives while a backend is busy waits for its next batch.
The router's side is the core's: `route` decides, `rate_after` counts, `corrected` learns from every answer, and from
an expiry whose answer was predicted earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.arrivals import rate_after
from besteffort_core.decide import route
from besteffort_core.latency import candidates, corrected
from besteffort_core.model import Request, Snapshot
from besteffort_core.observation import encode
from besteffort_core.utility import utility, worth_until_s
from besteffort_sim.choice import choose_planned
from besteffort_sim.compiled import compiled
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY, PENDING, QUEUE_FULL, Log
from besteffort_sim.servers import build_servers, deliver, finish_next, next_finish

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Plan, Workload, World

__all__ = ["observations", "run", "simulate"]


def simulate(pool: Pool, world: World, workload: Workload, plan: Plan, *, trail: bool = False) -> Log:
    """Return what becomes of each request; with `trail` also what the router saw at each decision."""
    log: Log = compiled(run)(pool, world, workload, plan, trail)
    return log


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
        vectors[row] = encode(request, candidates(pool, snapshot), pool, snapshot)
    return vectors


def run(pool: Pool, world: World, workload: Workload, plan: Plan, trail: bool) -> Log:  # noqa: C901, FBT001, PLR0912, PLR0915 - one loop, compiled as one
    """As `simulate`, interpreted unless compiled."""
    n, backends = workload.arrival_s.shape[0], pool.size_of.shape[0]
    kept = n if trail else 0
    log = Log(
        np.zeros(n, dtype=np.int8),
        np.full(n, -1, dtype=np.int64),
        np.full(n, np.inf),
        np.zeros(n),
        np.empty((kept, backends), dtype=np.int64),
        np.empty((kept, backends)),
        np.empty(kept),
    )
    servers = build_servers(pool, n)
    in_flight, correction = np.zeros(backends, dtype=np.int64), np.ones(backends)
    backend_of, predicted_s = np.full(n, -1, dtype=np.int64), np.zeros(n)
    expiry_s = np.empty(n)
    for k in range(n):
        expiry_s[k] = workload.arrival_s[k] + worth_until_s(workload.deadline_s[k], pool.grace_factor)
    by_expiry = np.argsort(expiry_s, kind="mergesort")
    arrived = delivered = expired = 0
    rate_rps, last_s = 0.0, 0.0
    while True:
        end_s, ending = next_finish(servers, pool)
        while expired < n and log.outcome[by_expiry[expired]] != PENDING:
            expired += 1
        while delivered < arrived and log.outcome[delivered] != PENDING:
            delivered += 1
        expire_s = expiry_s[by_expiry[expired]] if expired < n else np.inf
        deliver_s = workload.arrival_s[delivered] + world.overhead_s if delivered < arrived else np.inf
        arrive_s = workload.arrival_s[arrived] if arrived < n else np.inf
        if end_s <= expire_s and end_s <= deliver_s and end_s <= arrive_s:
            if ending < 0:
                return log
            k = servers.running[ending]
            while k >= 0:
                if log.outcome[k] == PENDING:
                    latency_s = end_s - workload.arrival_s[k]
                    quality = pool.quality[workload.task[k], log.size[k]]
                    log.outcome[k] = ANSWERED
                    log.latency_s[k] = latency_s
                    log.reward[k] = utility(quality, latency_s, workload.deadline_s[k], pool.grace_factor)
                    correction[ending] = corrected(correction[ending], predicted_s[k], latency_s)
                    in_flight[ending] -= 1
                k = servers.following[k]
            finish_next(servers, pool, world, workload, log.outcome, (end_s, ending))
        elif expire_s <= deliver_s and expire_s <= arrive_s:
            k = by_expiry[expired]
            backend = backend_of[k]
            log.outcome[k] = EXPIRED
            in_flight[backend] -= 1
            elapsed_s = expire_s - workload.arrival_s[k]
            if elapsed_s > predicted_s[k]:
                correction[backend] = corrected(correction[backend], predicted_s[k], elapsed_s)
        elif deliver_s <= arrive_s:
            event = (deliver_s, backend_of[delivered], delivered)
            deliver(servers, pool, world, workload, log.outcome, event)
            delivered += 1
        else:
            k = arrived
            rate_rps = rate_after(rate_rps, arrive_s - last_s)
            last_s = arrive_s
            if trail:
                log.in_flight[k] = in_flight
                log.correction[k] = correction
                log.rate_rps[k] = rate_rps
            if in_flight.sum() >= world.max_requests:
                log.outcome[k] = QUEUE_FULL
            else:
                snapshot = Snapshot(in_flight, correction, world.ready, rate_rps, k)
                request = Request(workload.task[k], workload.deadline_s[k])
                found = candidates(pool, snapshot)
                size = choose_planned(request, found, pool, snapshot, plan)
                size, backend, predicted_s[k] = route(request, pool, found, size)
                log.size[k] = size
                backend_of[k] = backend
                if backend >= 0:
                    in_flight[backend] += 1
                else:
                    log.outcome[k] = HOPELESS if size >= 0 else NOT_READY
            arrived += 1
