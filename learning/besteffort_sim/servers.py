"""The state of the servers: what waits, runs and decodes on each backend, and what each device does. Compiled.

A backend works in iterations. One iteration takes the whole prompts that wait, up to the largest batch (a prompt longer
than the room that is left is split), and one token of every sequence that decodes. A request that one pass answers is
answered at the end of its iteration; a generation decodes on, its first token coming with its prompt. Requests that one
pass answers go before generations. The KV cache is promised for prompt and output when a prompt begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Play, Workload

__all__ = [
    "ACTIVE",
    "CONTEXT",
    "DECODING",
    "DONE",
    "GENERATION",
    "IDLE",
    "ONE_PASS",
    "PROMISED",
    "RUNNING",
    "WAITING",
    "Servers",
    "build_servers",
    "enqueue",
    "release",
]

ONE_PASS, GENERATION = 0, 1
"""The two queues of a backend."""
IDLE, WAITING, RUNNING, DECODING = range(4)
"""What a request does; a prompt that is read in part waits."""
DONE, ACTIVE, CONTEXT, PROMISED = range(4)
"""The numbers in the tally of a backend."""


class Servers(NamedTuple):
    """The state of all backends and devices; a request is in one chain at most: queue, prompts, or decodes due."""

    first: NDArray[np.int64]
    """(backends, 2): what waits longest, of the requests that one pass answers and of the generations; -1: nothing."""
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
    tally: NDArray[np.int64]
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


def enqueue(servers: Servers, play: Play, backend: int, request: int) -> None:
    """Put a request at the end of its queue, and a generation at the end of the backend's generations."""
    kind = GENERATION if play.workload.output[request] > 0 else ONE_PASS
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


def release(servers: Servers, play: Play, backend: int, request: int) -> None:
    """Give back what a prompt holds of the KV cache, and what it was promised."""
    units = play.workload.units[request]
    servers.tally[backend, CONTEXT] -= units - servers.left[request]
    servers.tally[backend, PROMISED] -= units + play.workload.output[request]
