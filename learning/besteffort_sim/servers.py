"""The servers: queues, batches at the level of iterations, and devices. Compiled.

A backend works in iterations. One iteration takes the whole prompts that wait, up to the largest batch (a prompt longer
than the room that is left is split), and one token of every sequence that decodes. A request that one pass answers is
answered at the end of its iteration; a generation decodes on. Requests that one pass answers go before generations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_sim.model import PENDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload, World

__all__ = ["Servers", "abandon", "build_servers", "deliver", "finish", "next_finish"]

ONE_PASS, GENERATION = 0, 1
IDLE, WAITING, RUNNING, DECODING = range(4)


class Servers(NamedTuple):
    """The state of all backends and devices; a request is in one chain at most: queue, prompts, or decodes due."""

    first: NDArray[np.int64]
    """(backends, 2): the request that waits longest, of those that one pass answers and of the generations; -1: none."""
    last: NDArray[np.int64]
    following: NDArray[np.int64]
    """(n,): the next request in the chain, -1 at its end."""
    left: NDArray[np.int64]
    """(n,): units of the prompt that are not yet read."""
    stage: NDArray[np.int8]
    """(n,)"""
    prompts: NDArray[np.int64]
    """(backends,): the first of the requests whose prompts end with the iteration that runs, -1 if none."""
    due: NDArray[np.int64]
    """(backends, longest output + 1): the generations that end with an iteration, by its number; a ring."""
    began: NDArray[np.int64]
    """(n,): the iteration after which a generation began to decode."""
    oldest: NDArray[np.int64]
    """(backends, 2): the first and the last of all generations, in order of delivery."""
    younger: NDArray[np.int64]
    """(n,): the next generation on the same backend."""
    count: NDArray[np.int64]
    """(backends, 4): iterations done, sequences that decode, units in the KV cache, units promised there."""
    running: NDArray[np.bool_]
    """(backends,)"""
    work_s: NDArray[np.float64]
    """(backends,): work left in the iteration that runs, as of `as_of_s` of its device."""
    as_of_s: NDArray[np.float64]
    """(devices,)"""
    sharing: NDArray[np.int64]
    """(devices,): how many backends run on it."""
    ending: NDArray[np.int64]
    """(devices,): the backend whose iteration ends next, -1 if none runs."""
    end_s: NDArray[np.float64]
    """(devices,): when."""


DONE, ACTIVE, CONTEXT, PROMISED = range(4)


def build_servers(pool: Pool, workload: Workload) -> Servers:
    """Return idle servers for the requests of a workload."""
    n, backends, devices = workload.arrival_s.shape[0], pool.size_of.shape[0], pool.hosted.shape[0]
    longest = workload.output.max() if n > 0 else 0
    return Servers(
        np.full((backends, 2), -1, dtype=np.int64),
        np.full((backends, 2), -1, dtype=np.int64),
        np.full(n, -1, dtype=np.int64),
        workload.units.copy(),
        np.zeros(n, dtype=np.int8),
        np.full(backends, -1, dtype=np.int64),
        np.full((backends, longest + 1), -1, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full((backends, 2), -1, dtype=np.int64),
        np.full(n, -1, dtype=np.int64),
        np.zeros((backends, 4), dtype=np.int64),
        np.zeros(backends, dtype=np.bool_),
        np.zeros(backends),
        np.zeros(devices),
        np.zeros(devices, dtype=np.int64),
        np.full(devices, -1, dtype=np.int64),
        np.full(devices, np.inf),
    )


def next_finish(servers: Servers) -> tuple[float, int]:
    """Return when the next iteration ends and on which backend, the lowest device on a tie; infinity, -1: none runs."""
    best_s, best = np.inf, -1
    for device in range(servers.end_s.shape[0]):
        if servers.end_s[device] < best_s:
            best_s, best = servers.end_s[device], servers.ending[device]
    return best_s, best


def deliver(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    expiry_s: NDArray[np.float64],
    event: tuple[float, int, int],
) -> None:
    """Put a request into a backend's queue, event = (now_s, backend, request), and start an iteration if it can."""
    now_s, backend, request = event
    kind = GENERATION if workload.output[request] > 0 else ONE_PASS
    servers.following[request] = -1
    servers.stage[request] = WAITING
    if servers.first[backend, kind] < 0:
        servers.first[backend, kind] = request
    else:
        servers.following[servers.last[backend, kind]] = request
    servers.last[backend, kind] = request
    if kind == GENERATION:
        if servers.oldest[backend, 0] < 0:
            servers.oldest[backend, 0] = request
        else:
            servers.younger[servers.oldest[backend, 1]] = request
        servers.oldest[backend, 1] = request
    _go_on(servers, pool, world, workload, outcome, expiry_s, (now_s, backend))


def finish(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    expiry_s: NDArray[np.float64],
    event: tuple[float, int],
) -> int:
    """End a backend's iteration, event = (now_s, backend), start the next, and return the first request it answers.

    The others follow in the chain `following`.
    """
    now_s, backend = event
    device = pool.device_of[backend]
    _advance(servers, pool, device, now_s)
    servers.running[backend] = False
    servers.sharing[device] -= 1
    count = servers.count[backend]
    count[DONE] += 1
    count[CONTEXT] += count[ACTIVE]
    answered = _decoded(servers, workload, outcome, backend)
    answered = _prompted(servers, workload, outcome, backend, answered)
    _go_on(servers, pool, world, workload, outcome, expiry_s, event)
    return answered


def abandon(servers: Servers, workload: Workload, backend: int, request: int) -> None:
    """Take a generation that has expired out of the batch; what waits or runs is left out in passing."""
    count = servers.count[backend]
    if servers.stage[request] == DECODING:
        count[ACTIVE] -= 1
        count[CONTEXT] -= workload.units[request] + count[DONE] - servers.began[request]
        count[PROMISED] -= workload.units[request] + workload.output[request]


def _decoded(servers: Servers, workload: Workload, outcome: NDArray[np.int8], backend: int) -> int:
    """Return the chain of the generations whose last token has come."""
    count, answered = servers.count[backend], -1
    place = count[DONE] % servers.due.shape[1]
    request = servers.due[backend, place]
    servers.due[backend, place] = -1
    while request >= 0:
        after = servers.following[request]
        if outcome[request] == PENDING:
            total = workload.units[request] + workload.output[request]
            count[ACTIVE] -= 1
            count[CONTEXT] -= total - 1
            count[PROMISED] -= total
            servers.following[request], answered = answered, request
        servers.stage[request] = IDLE
        request = after
    return answered


def _prompted(servers: Servers, workload: Workload, outcome: NDArray[np.int8], backend: int, answered: int) -> int:
    """Let generations whose prompts are read decode, and return the chain with those that one pass answers in front."""
    count, request = servers.count[backend], servers.prompts[backend]
    servers.prompts[backend] = -1
    while request >= 0:
        after, output = servers.following[request], workload.output[request]
        if outcome[request] == PENDING and output > 1:
            servers.stage[request] = DECODING
            servers.began[request] = count[DONE]
            count[ACTIVE] += 1
            count[CONTEXT] += workload.units[request]
            place = (count[DONE] + output - 1) % servers.due.shape[1]
            servers.following[request], servers.due[backend, place] = servers.due[backend, place], request
        else:
            servers.stage[request] = IDLE
            count[PROMISED] -= workload.units[request] + output
            if outcome[request] == PENDING:
                servers.following[request], answered = answered, request
        request = after
    return answered


def _go_on(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    expiry_s: NDArray[np.float64],
    event: tuple[float, int],
) -> None:
    """Start what can start on the device of a backend now."""
    now_s, backend = event
    device = pool.device_of[backend]
    if not pool.turns:
        if not servers.running[backend]:
            _start(servers, pool, world, workload, outcome, expiry_s, event)
    else:
        while servers.sharing[device] == 0:
            turn = _next_turn(servers, pool, outcome, expiry_s, device)
            if turn < 0:
                break
            _start(servers, pool, world, workload, outcome, expiry_s, (now_s, turn))
    _look_ahead(servers, pool, device)


def _next_turn(
    servers: Servers, pool: Pool, outcome: NDArray[np.int8], expiry_s: NDArray[np.float64], device: int
) -> int:
    """Return the backend of a device that has the oldest request by its expiry, -1 if none has work."""
    best_s, best = np.inf, -1
    for place in range(pool.hosted.shape[1]):
        backend = pool.hosted[device, place]
        if backend < 0:
            break
        request = servers.first[backend, ONE_PASS]
        while request >= 0 and outcome[request] != PENDING:
            request = servers.following[request]
        servers.first[backend, ONE_PASS] = request
        if request >= 0 and expiry_s[request] < best_s:
            best_s, best = expiry_s[request], backend
        request = servers.oldest[backend, 0]
        while request >= 0 and (outcome[request] != PENDING or servers.stage[request] == IDLE):
            request = servers.younger[request]
        servers.oldest[backend, 0] = request
        if request >= 0 and expiry_s[request] < best_s:
            best_s, best = expiry_s[request], backend
    return best


def _start(
    servers: Servers,
    pool: Pool,
    world: World,
    workload: Workload,
    outcome: NDArray[np.int8],
    expiry_s: NDArray[np.float64],
    event: tuple[float, int],
) -> None:
    """Form the next iteration of a backend, if it has anything to do."""
    now_s, backend = event
    size, count = pool.size_of[backend], servers.count[backend]
    units, sequences, lead, tail = count[ACTIVE], count[ACTIVE], -1, -1
    slow = world.slowness[size]
    for kind in range(2):
        request = servers.first[backend, kind]
        while request >= 0 and units < pool.max_batch[size] and sequences < pool.max_sequences[size]:
            after, total = servers.following[request], workload.units[request] + workload.output[request]
            fresh = servers.left[request] == workload.units[request]
            if outcome[request] != PENDING:
                if not fresh:
                    count[PROMISED] -= total
                request = after
                continue
            if fresh and 0 < count[PROMISED] > pool.max_context[size] - total:
                break
            taken = min(servers.left[request], pool.max_batch[size] - units)
            if world.foresight and taken == servers.left[request]:
                seconds = slow * iteration_s(pool, size, units + taken, sequences + 1, count[CONTEXT])
                if now_s + seconds > expiry_s[request]:
                    if not fresh:
                        count[PROMISED] -= total
                    servers.stage[request] = IDLE
                    request = after
                    continue
            if fresh:
                count[PROMISED] += total
            units, sequences = units + taken, sequences + 1
            servers.left[request] -= taken
            if servers.left[request] > 0:
                break
            servers.stage[request] = RUNNING
            servers.following[request] = -1
            if lead < 0:
                lead = request
            else:
                servers.following[tail] = request
            tail, request = request, after
        servers.first[backend, kind] = request
    servers.prompts[backend] = lead
    if units > 0:
        device = pool.device_of[backend]
        _advance(servers, pool, device, now_s)
        servers.running[backend] = True
        seconds = iteration_s(pool, size, units, sequences, count[CONTEXT])
        servers.work_s[backend] = seconds * slow * (workload.noise[lead] if lead >= 0 else 1.0)
        servers.sharing[device] += 1


def iteration_s(pool: Pool, size: int, units: int, sequences: int, context: int) -> float:
    """Return the profiled seconds of one iteration."""
    return float(pool.batch_s[size, units] + pool.sequence_s[size] * sequences + pool.context_s[size] * context)


def _advance(servers: Servers, pool: Pool, device: int, now_s: float) -> None:
    """Let each running backend of a device do its equal share of the time since the last change."""
    if servers.sharing[device] > 0:
        share_s = (now_s - servers.as_of_s[device]) / servers.sharing[device]
        for place in range(pool.hosted.shape[1]):
            backend = pool.hosted[device, place]
            if backend >= 0 and servers.running[backend]:
                servers.work_s[backend] = max(servers.work_s[backend] - share_s, 0.0)
    servers.as_of_s[device] = now_s


def _look_ahead(servers: Servers, pool: Pool, device: int) -> None:
    """Note which iteration of a device ends next, the lowest index on a tie."""
    servers.end_s[device], servers.ending[device] = np.inf, -1
    for place in range(pool.hosted.shape[1]):
        backend = pool.hosted[device, place]
        if backend >= 0 and servers.running[backend]:
            end_s = servers.as_of_s[device] + servers.work_s[backend] * servers.sharing[device]
            if end_s < servers.end_s[device]:
                servers.end_s[device], servers.ending[device] = end_s, backend
