"""What a server does at a delivery, at the end of an iteration, and when a request has expired. Compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_sim.devices import end, look_ahead
from besteffort_sim.iteration import decoded, prompted, start, stop_decoding
from besteffort_sim.model import PENDING
from besteffort_sim.servers import ACTIVE, DECODING, DONE, GENERATION, IDLE, ONE_PASS, WAITING, enqueue, release

if TYPE_CHECKING:
    from besteffort_sim.model import Play
    from besteffort_sim.servers import Servers

__all__ = ["abandon", "deliver", "finish"]


def deliver(servers: Servers, play: Play, backend: int, request: int, now_s: float) -> None:
    """Put a request into a backend's queue, and start an iteration if there can be one."""
    enqueue(servers, play, backend, request)
    _go_on(servers, play, backend, now_s)


def finish(servers: Servers, play: Play, backend: int, now_s: float) -> int:
    """End a backend's iteration, start the next, and return the first request that it answers, -1 if there is none.

    The others follow in the chain `following`.
    """
    end(servers, play.pool, backend, now_s)
    answered = prompted(servers, play, backend, decoded(servers, play, backend))
    _go_on(servers, play, backend, now_s)
    return answered


def abandon(servers: Servers, play: Play, backend: int, request: int) -> int:
    """Give back what an expired request holds, and return how many tokens it brought.

    What waits is left out in passing, a prompt in a batch runs on.
    """
    if servers.stage[request] == DECODING:
        stop_decoding(servers, play, backend, request)
        return int(1 + servers.tally[backend, DONE] - servers.began[request])
    if servers.stage[request] == WAITING:
        if servers.left[request] < play.workload.units[request]:
            release(servers, play, backend, request)
        servers.stage[request] = IDLE
    return 0


def _go_on(servers: Servers, play: Play, backend: int, now_s: float) -> None:
    """Start what can start on the device of a backend: each step starts an iteration or leaves a request out."""
    device = play.pool.device_of[backend]
    if play.pool.turns:
        while servers.sharing[device] == 0:
            turn = _next_turn(servers, play, device)
            if turn < 0:
                break
            start(servers, play, turn, now_s)
    else:
        while not servers.running[backend] and _has_work(servers, backend):
            start(servers, play, backend, now_s)
    look_ahead(servers, play.pool, device)


def _has_work(servers: Servers, backend: int) -> bool:
    first = servers.first[backend]
    return bool(first[ONE_PASS] >= 0 or first[GENERATION] >= 0 or servers.tally[backend, ACTIVE] > 0)


def _next_turn(servers: Servers, play: Play, device: int) -> int:
    """Return the backend of a device that has the oldest request by its expiry, -1 if none has work."""
    best, oldest = -1, -1
    for place in range(play.pool.hosted.shape[1]):
        backend = play.pool.hosted[device, place]
        if backend >= 0:
            request = _older(play, _oldest_one_pass(servers, play, backend), _oldest_generation(servers, backend))
            if _older(play, oldest, request) != oldest:
                best, oldest = backend, request
    return best


def _older(play: Play, one: int, other: int) -> int:
    """Return the request that expires first, the first one on a tie; -1 stands for no request."""
    if one >= 0 and (other < 0 or play.expiry_s[one] <= play.expiry_s[other]):
        return one
    return other


def _oldest_one_pass(servers: Servers, play: Play, backend: int) -> int:
    """Return the request at the head of the queue, dropping those that have expired; -1 if there is none."""
    request = servers.first[backend, ONE_PASS]
    while request >= 0 and play.log.outcome[request] != PENDING:
        request = servers.following[request]
    servers.first[backend, ONE_PASS] = request
    return int(request)


def _oldest_generation(servers: Servers, backend: int) -> int:
    """Return the first generation that waits or decodes, dropping those that are done; -1 if there is none."""
    request = servers.oldest[backend, 0]
    while request >= 0 and servers.stage[request] == IDLE:
        request = servers.younger[request]
    servers.oldest[backend, 0] = request
    return int(request)
