"""Seconds of work: how long a batch takes, when an answer can be expected, and how the estimate is corrected.

The device is taken as shared equally among the backends that have work on it (processor sharing), each of which
answers its own requests in batches, first come first served.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.errors import PoolError
from besteffort_core.model import Candidates, Pool, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["batch_table", "candidates", "corrected", "faded", "finish_s", "request_s", "work_s"]

CORRECTION_GAIN = 0.05
UPWARD_BIAS = 2.0
"""A late answer moves the estimate so many times as much as an early one: too low an estimate costs far more."""
CORRECTION_BOUNDS = (0.25, 8.0)
CORRECTION_LASTS_S = 120.0
"""Time constant in which a correction that no answer confirms returns to none."""


def batch_table(seconds_by_batch: Mapping[int, float]) -> NDArray[np.float64]:
    """Return seconds for each batch from 0 to the largest one given, interpolated and never falling.

    Raises:
        PoolError: no point, a batch below 1, or seconds that are not positive and finite.
    """
    points = sorted(seconds_by_batch.items())
    if not points or points[0][0] < 1 or not all(math.isfinite(s) and s > 0 for _, s in points):
        raise PoolError("latency needs at least one batch size from 1 up, each with positive seconds")
    batches = np.array([b for b, _ in points], dtype=np.float64)
    seconds = np.maximum.accumulate(np.array([s for _, s in points], dtype=np.float64))
    table = np.interp(np.arange(batches[-1] + 1), batches, seconds)
    table[0] = 0.0
    return table


def work_s(pool: Pool, size: int, requests: int) -> float:
    """Return the seconds that a device alone needs for `requests` of one size, in the fullest batches."""
    largest = pool.max_batch[size]
    full = requests // largest
    return float(full * pool.batch_s[size, largest] + pool.batch_s[size, requests - full * largest])


def request_s(pool: Pool, size: int) -> float:
    """Return the seconds of work of one request in the largest batch: the size's cost."""
    largest = pool.max_batch[size]
    return float(pool.batch_s[size, largest] / largest)


def finish_s(pool: Pool, snapshot: Snapshot, backend: int) -> float:
    """Return the predicted seconds until a request given to `backend` now is answered.

    Under equal sharing a neighbour on the device delays it by the neighbour's own work, at most by as much as its own.
    The correction is a factor on the whole, so that what it is learned from holds no other backend's correction.
    """
    own = work_s(pool, pool.size_of[backend], snapshot.in_flight[backend] + 1)
    total = own
    for other in range(pool.size_of.shape[0]):
        if other != backend and pool.device_of[other] == pool.device_of[backend] and snapshot.in_flight[other] > 0:
            total += min(work_s(pool, pool.size_of[other], snapshot.in_flight[other]), own)
    return float(snapshot.correction[backend] * total)


def backlog_s(pool: Pool, snapshot: Snapshot, device: int) -> float:
    """Return the predicted seconds of work in flight on a device."""
    total = 0.0
    for backend in range(pool.size_of.shape[0]):
        if pool.device_of[backend] == device and snapshot.in_flight[backend] > 0:
            work = work_s(pool, pool.size_of[backend], snapshot.in_flight[backend])
            total += snapshot.correction[backend] * work
    return total


def candidates(pool: Pool, snapshot: Snapshot) -> Candidates:
    """Return for each size the ready backend with the least predicted finish (LeastBacklog)."""
    sizes = pool.max_batch.shape[0]
    backend = np.full(sizes, -1, dtype=np.int64)
    finish = np.full(sizes, np.inf)
    backlog = np.zeros(sizes)
    for j in range(pool.size_of.shape[0]):
        if snapshot.ready[j]:
            predicted = finish_s(pool, snapshot, j)
            i = pool.size_of[j]
            if predicted < finish[i]:
                backend[i] = j
                finish[i] = predicted
    for i in range(sizes):
        if backend[i] >= 0:
            backlog[i] = backlog_s(pool, snapshot, pool.device_of[backend[i]])
    return Candidates(backend, finish, backlog)


def corrected(correction: float, profiled_s: float, observed_s: float) -> float:
    """Return the correction after an answer took `observed_s` where `profiled_s` was predicted, not counting it.

    Not counting it, because it moves while the request waits: an answer compared with the correction of its own
    decision would move today's by an error that others have removed already, and the correction would swing.
    """
    error = math.log(max(observed_s, 1e-6) / max(profiled_s * correction, 1e-6))
    step = CORRECTION_GAIN * (UPWARD_BIAS if error > 0.0 else 1.0) * min(max(error, -1.0), 1.0)
    return min(max(correction * math.exp(step), CORRECTION_BOUNDS[0]), CORRECTION_BOUNDS[1])


def faded(correction: float, since_s: float) -> float:
    """Return what is left of a correction that was last learned `since_s` ago.

    A backend that is avoided because it was slow gives no answers to learn from: without this it would stay avoided.
    """
    return float(correction ** math.exp(-since_s / CORRECTION_LASTS_S))
