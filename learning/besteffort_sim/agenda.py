"""What happens next: ends of batches, expiries, deliveries and arrivals, in order of time. Compiled.

At one instant the order is: end of a batch, expiry, delivery, arrival. So an answer at its very deadline counts, and
room that a request leaves is seen by the next decision. What arrives while a backend is busy waits for its next batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.utility import worth_until_s
from besteffort_sim.model import PENDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload, World

__all__ = ["DELIVERY", "END", "EXPIRY", "Agenda", "build_agenda", "next_event"]

END, EXPIRY, DELIVERY, ARRIVAL = range(4)


class Agenda(NamedTuple):
    """When each request arrives, reaches its server and expires, and how far time has come."""

    arrival_s: NDArray[np.float64]
    """(n,), ascending."""
    delivery_s: NDArray[np.float64]
    """(n,), ascending."""
    expiry_s: NDArray[np.float64]
    """(n,): from when on a request is worth nothing."""
    by_expiry: NDArray[np.int64]
    """(n,): requests in the order in which they expire."""
    past: NDArray[np.int64]
    """(3,): how many of `by_expiry`, of the deliveries and of the arrivals are past."""


def build_agenda(pool: Pool, world: World, workload: Workload) -> Agenda:
    """Return the agenda before the first event."""
    arrival_s, expiry_s = workload.arrival_s, np.empty(workload.arrival_s.shape[0])
    for k in range(arrival_s.shape[0]):
        expiry_s[k] = arrival_s[k] + worth_until_s(workload.deadline_s[k], pool.grace_factor)
    by_expiry = np.argsort(expiry_s, kind="mergesort")
    return Agenda(arrival_s, arrival_s + world.overhead_s, expiry_s, by_expiry, np.zeros(3, dtype=np.int64))


def next_event(agenda: Agenda, outcome: NDArray[np.int8], end_s: float) -> tuple[float, int, int]:
    """Return (now_s, event, request) and count it as past; the request is -1 where a batch ends, at `end_s`."""
    past, n = agenda.past, agenda.arrival_s.shape[0]
    while past[0] < n and outcome[agenda.by_expiry[past[0]]] != PENDING:
        past[0] += 1
    while past[1] < past[2] and outcome[past[1]] != PENDING:
        past[1] += 1
    expire_s = agenda.expiry_s[agenda.by_expiry[past[0]]] if past[0] < n else np.inf
    deliver_s = agenda.delivery_s[past[1]] if past[1] < past[2] else np.inf
    arrive_s = agenda.arrival_s[past[2]] if past[2] < n else np.inf
    if end_s <= expire_s and end_s <= deliver_s and end_s <= arrive_s:
        return end_s, END, -1
    if expire_s <= deliver_s and expire_s <= arrive_s:
        return expire_s, EXPIRY, agenda.by_expiry[past[0]]
    if deliver_s <= arrive_s:
        past[1] += 1
        return deliver_s, DELIVERY, past[1] - 1
    past[2] += 1
    return arrive_s, ARRIVAL, past[2] - 1
