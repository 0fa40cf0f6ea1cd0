"""One iteration of a backend: who joins it, how long it takes, and what its end does. Compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from besteffort_sim.devices import begin
from besteffort_sim.model import PENDING
from besteffort_sim.servers import (
    ACTIVE,
    CONTEXT,
    DECODING,
    DONE,
    GENERATION,
    IDLE,
    ONE_PASS,
    PROMISED,
    RUNNING,
    release,
)

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_sim.model import Play
    from besteffort_sim.servers import Servers

__all__ = ["decoded", "iteration_s", "prompted", "start"]


class Batch(NamedTuple):
    """An iteration that forms."""

    units: int
    sequences: int
    first: int
    """Of the requests whose prompts it ends, -1 if there is none."""
    last: int
    context: int
    """Units in the KV cache when it begins."""


def iteration_s(pool: Pool, size: int, units: int, sequences: int, context: int) -> float:
    """Return the profiled seconds of one iteration."""
    return float(pool.batch_s[size, units] + pool.sequence_s[size] * sequences + pool.context_s[size] * context)


def start(servers: Servers, play: Play, backend: int, now_s: float) -> None:
    """Form the next iteration of a backend and begin it, if it has anything to do."""
    pool, size = play.pool, play.pool.size_of[backend]
    decodes = servers.tally[backend, ACTIVE]
    batch = Batch(decodes, decodes, -1, -1, servers.tally[backend, CONTEXT])
    batch = _join(servers, play, backend, ONE_PASS, batch, now_s)
    batch = _join(servers, play, backend, GENERATION, batch, now_s)
    servers.prompts[backend] = batch.first
    if batch.units > 0:
        noise = play.workload.noise[batch.first] if batch.first >= 0 else 1.0
        seconds = iteration_s(pool, size, batch.units, batch.sequences, batch.context)
        begin(servers, pool, backend, seconds * play.world.slowness[size] * noise, now_s)


def _join(servers: Servers, play: Play, backend: int, kind: int, batch: Batch, now_s: float) -> Batch:
    """Return the batch with those of one queue that have room in it, in their order."""
    pool, size = play.pool, play.pool.size_of[backend]
    request = servers.first[backend, kind]
    while request >= 0 and batch.units < pool.max_batch[size] and batch.sequences < pool.max_sequences[size]:
        after = servers.following[request]
        if play.log.outcome[request] == PENDING:
            if not _has_memory(servers, play, backend, request):
                break
            if _is_futile(servers, play, backend, request, batch, now_s):
                _leave_out(servers, play, backend, request)
            else:
                batch = _with(servers, play, backend, request, batch)
                if servers.left[request] > 0:
                    break
        request = after
    servers.first[backend, kind] = request
    return batch


def _has_memory(servers: Servers, play: Play, backend: int, request: int) -> bool:
    """Tell whether the KV cache has room for a request, for its prompt and its output; an empty one has for any."""
    units, promised = play.workload.units[request], servers.tally[backend, PROMISED]
    if servers.left[request] < units:
        return True
    room = play.pool.max_context[play.pool.size_of[backend]] - promised
    return bool(promised == 0 or units + play.workload.output[request] <= room)


def _is_futile(servers: Servers, play: Play, backend: int, request: int, batch: Batch, now_s: float) -> bool:
    """Tell whether a server with foresight leaves a request out: the iteration would end when it is worth nothing."""
    pool, size = play.pool, play.pool.size_of[backend]
    units = batch.units + servers.left[request]
    if not play.world.foresight or units > pool.max_batch[size]:
        return False
    seconds = iteration_s(pool, size, units, batch.sequences + 1, batch.context)
    return bool(now_s + seconds * play.world.slowness[size] > play.expiry_s[request])


def _leave_out(servers: Servers, play: Play, backend: int, request: int) -> None:
    """Let a request wait for its expiry outside of all queues."""
    if servers.left[request] < play.workload.units[request]:
        release(servers, play, backend, request)
    servers.stage[request] = IDLE


def _with(servers: Servers, play: Play, backend: int, request: int, batch: Batch) -> Batch:
    """Return the batch with a request, or with as much of its prompt as there is room for."""
    units, left = play.workload.units[request], servers.left[request]
    if left == units:
        servers.tally[backend, PROMISED] += units + play.workload.output[request]
    taken = min(left, play.pool.max_batch[play.pool.size_of[backend]] - batch.units)
    servers.left[request] = left - taken
    servers.tally[backend, CONTEXT] += taken
    if taken < left:
        return Batch(batch.units + taken, batch.sequences + 1, batch.first, batch.last, batch.context)
    servers.stage[request] = RUNNING
    servers.following[request] = -1
    if batch.first < 0:
        return Batch(batch.units + taken, batch.sequences + 1, request, request, batch.context)
    servers.following[batch.last] = request
    return Batch(batch.units + taken, batch.sequences + 1, batch.first, request, batch.context)


def decoded(servers: Servers, play: Play, backend: int) -> int:
    """Count the tokens that an iteration brought, and return the chain of the generations that they end."""
    tally, answered = servers.tally[backend], -1
    tally[DONE] += 1
    tally[CONTEXT] += tally[ACTIVE]
    place = tally[DONE] % servers.due.shape[1]
    request = servers.due[backend, place]
    servers.due[backend, place] = -1
    while request >= 0:
        after = servers.following[request]
        if servers.stage[request] == DECODING:
            stop_decoding(servers, play, backend, request)
            servers.following[request], answered = answered, request
        request = after
    return answered


def stop_decoding(servers: Servers, play: Play, backend: int, request: int) -> None:
    """Take a generation out of those that decode, with its part of the KV cache."""
    units, tally = play.workload.units[request], servers.tally[backend]
    tally[ACTIVE] -= 1
    tally[CONTEXT] -= units + tally[DONE] - servers.began[request]
    tally[PROMISED] -= units + play.workload.output[request]
    servers.stage[request] = IDLE


def prompted(servers: Servers, play: Play, backend: int, answered: int) -> int:
    """Let generations whose prompts are read decode, and return the chain with what is answered in front."""
    request = servers.prompts[backend]
    servers.prompts[backend] = -1
    while request >= 0:
        after = servers.following[request]
        pending = play.log.outcome[request] == PENDING
        if pending and play.workload.output[request] > 1:
            _decode(servers, play, backend, request)
        else:
            release(servers, play, backend, request)
            servers.stage[request] = IDLE
            if pending:
                servers.following[request], answered = answered, request
        request = after
    return answered


def _decode(servers: Servers, play: Play, backend: int, request: int) -> None:
    """Let a generation decode: its first token has come with its prompt."""
    done = servers.tally[backend, DONE]
    servers.tally[backend, ACTIVE] += 1
    servers.stage[request], servers.began[request] = DECODING, done
    place = (done + play.workload.output[request] - 1) % servers.due.shape[1]
    servers.following[request], servers.due[backend, place] = servers.due[backend, place], request
