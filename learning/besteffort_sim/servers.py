"""The servers: a queue and one running batch per backend, and devices that running backends share equally.

A backend that is idle takes all that wait, up to its largest batch (Triton's dynamic batcher without delay).
Requests that expired are not started; a batch that runs, runs to its end. Compiled: plain loops over arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_sim.model import PENDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload, World

__all__ = ["Servers", "build_servers", "deliver", "finish_next", "next_finish"]


class Servers(NamedTuple):
    """The state of all backends and devices; a request is in one chain at most: a queue or a batch."""

    first: NDArray[np.int64]
    """(backends,): the request that waits longest, -1 if none."""
    last: NDArray[np.int64]
    running: NDArray[np.int64]
    """(backends,): the first request of the running batch, -1 if idle."""
    work_s: NDArray[np.float64]
    """(backends,): work left in the running batch, as of `as_of_s` of its device."""
    following: NDArray[np.int64]
    """(n,): the next request in the chain, -1 at its end."""
    as_of_s: NDArray[np.float64]
    """(devices,)"""
    sharing: NDArray[np.int64]
    """(devices,): how many backends run on it."""


def build_servers(pool: Pool, requests: int) -> Servers:
    """Return idle servers for that many requests."""
    backends = pool.size_of.shape[0]
    devices = pool.device_of.max() + 1
    return Servers(
        np.full(backends, -1, dtype=np.int64),
        np.full(backends, -1, dtype=np.int64),
        np.full(backends, -1, dtype=np.int64),
        np.zeros(backends),
        np.full(requests, -1, dtype=np.int64),
        np.zeros(devices),
        np.zeros(devices, dtype=np.int64),
    )


def next_finish(servers: Servers, pool: Pool) -> tuple[float, int]:
    """Return when the next batch ends and on which backend, the lowest index on a tie; infinity and -1 if none runs."""
    best_s, best = np.inf, -1
    for backend in range(pool.size_of.shape[0]):
        if servers.running[backend] >= 0:
            device = pool.device_of[backend]
            end_s = servers.as_of_s[device] + servers.work_s[backend] * servers.sharing[device]
            if end_s < best_s:
                best_s, best = end_s, backend
    return best_s, best


def deliver(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    event: tuple[float, int, int],
) -> None:
    """Put a request into a backend's queue, event = (now_s, backend, request), and start a batch if it is idle."""
    now_s, backend, request = event
    servers.following[request] = -1
    if servers.first[backend] < 0:
        servers.first[backend] = request
    else:
        servers.following[servers.last[backend]] = request
    servers.last[backend] = request
    if servers.running[backend] < 0:
        _start(servers, pool, world, workload, outcome, (now_s, backend))


def finish_next(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    event: tuple[float, int],
) -> None:
    """End a backend's batch, event = (now_s, backend), and start the next; its requests must have been read before."""
    now_s, backend = event
    device = pool.device_of[backend]
    _advance(servers, pool, device, now_s)
    servers.running[backend] = -1
    servers.sharing[device] -= 1
    _start(servers, pool, world, workload, outcome, event)


def _start(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    event: tuple[float, int],
) -> None:
    now_s, backend = event
    size = pool.size_of[backend]
    lead, tail, count = -1, -1, 0
    request = servers.first[backend]
    while request >= 0 and count < pool.max_batch[size]:
        after = servers.following[request]
        if outcome[request] == PENDING:
            if lead < 0:
                lead = request
            else:
                servers.following[tail] = request
            tail, count = request, count + 1
        request = after
    servers.first[backend] = request
    if count > 0:
        servers.following[tail] = -1
        device = pool.device_of[backend]
        _advance(servers, pool, device, now_s)
        servers.running[backend] = lead
        servers.work_s[backend] = pool.batch_s[size, count] * world.slowness[size] * workload.noise[lead]
        servers.sharing[device] += 1


def _advance(servers: Servers, pool: Pool, device: int, now_s: float) -> None:
    """Let each running backend of a device do its equal share of the time since the last change."""
    if servers.sharing[device] > 0:
        share_s = (now_s - servers.as_of_s[device]) / servers.sharing[device]
        for backend in range(pool.size_of.shape[0]):
            if servers.running[backend] >= 0 and pool.device_of[backend] == device:
                servers.work_s[backend] = max(servers.work_s[backend] - share_s, 0.0)
    servers.as_of_s[device] = now_s
