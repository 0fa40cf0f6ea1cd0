"""Seconds of work: how long a batch takes, when an answer can be expected, and how the estimate is corrected.

Each backend answers its own requests in batches, first come first served. The backends of a device either share it
equally (processor sharing) or take turns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.errors import PoolError
from besteffort_core.model import Candidates, Pool, Request, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "added_s",
    "applied",
    "batch_table",
    "candidates",
    "corrected",
    "cut_off",
    "faded",
    "next_token_s",
    "request_s",
    "unanswered_s",
    "waiting_units",
    "work_s",
]

CORRECTION_ANSWERS = 100.0
DOUBTFUL_ANSWERS = 10.0
"""So many answers as predicted are taken to have come before the first."""
MOST_SURPRISING = math.e
"""An answer counts as at most so many times as late, or as early, as expected."""
PREDICTION_ERROR = 0.1
"""Logarithm of how far predictions from a profile that is true are off in the mean of a hundred."""
UNANSWERED_FACTOR = 1.2
"""What had no answer when it expired is taken to have taken so many times as long. Nobody knows how much it would have
been; by the time to its expiry alone, a backend whose answers are all just late would stay within `PREDICTION_ERROR`.
"""
TO_GO = 0.5
"""What an output that was cut off had still to go, in expected outputs: ours. If only those counted that end in time,
which are the short ones, all would be taken to be shorter than they are, and more would be cut off.
"""
CORRECTION_BOUNDS = (0.25, 8.0)
CONFIRMED_S = 1.0
"""A correction that an answer has confirmed so lately is as it was."""
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


def work_s(pool: Pool, size: int, units: int) -> float:
    """Return the seconds that a device alone needs for so many units of one size, in the fullest batches."""
    largest = pool.max_batch[size]
    full = units // largest
    return float(full * pool.batch_s[size, largest] + pool.batch_s[size, units - full * largest])


def request_s(pool: Pool, size: int, units: int = 1) -> float:
    """Return the seconds of work of one request of so many units in the largest batch: the size's cost."""
    largest = pool.max_batch[size]
    return float(pool.batch_s[size, largest] / largest * units + pool.sequence_s[size])


def next_token_s(pool: Pool, size: int, sequences: int, length: float) -> float:
    """Return the seconds between two tokens of a backend that so many sequences decode on; beyond the most, some wait.

    In a steady state one in so many of them as an output has tokens is new and brings its prompt, and each is half way.
    """
    if sequences == 0 or pool.mean_steps == 0.0:
        return 0.0
    n, largest, output = min(sequences, pool.max_sequences[size]), pool.max_batch[size], pool.mean_steps * length
    units = min(n * (1.0 + pool.mean_prompt / output), float(largest))
    below = min(int(units), largest - 1)
    batch_s = pool.batch_s[size, below] + (units - below) * (pool.batch_s[size, below + 1] - pool.batch_s[size, below])
    held_s = pool.sequence_s[size] + pool.context_s[size] * (pool.mean_prompt + 0.5 * output)
    return float((batch_s + n * held_s) * sequences / n)


def waiting_units(snapshot: Snapshot, backend: int) -> int:
    """Return the units in flight on a backend that are not in the batch that runs."""
    return int(max(snapshot.units[backend] - snapshot.running[backend], 0))


def candidates(request: Request, pool: Pool, snapshot: Snapshot) -> Candidates:
    """Return what is predicted for a request on each backend, and for each size the ready one that is done first.

    In turns, what is in flight on the device goes first; what runs can no longer be joined. Under equal sharing a
    neighbour delays a backend by the neighbour's own work, at most by as much as its own. Whoever decodes runs an
    iteration between two of a generation, and one before what one pass answers. The correction is a factor on the
    whole, so that what it is learned from holds no other backend's correction.
    """
    backends, half = pool.size_of.shape[0], 0.5 * pool.mean_steps * snapshot.length
    best = np.full(pool.max_batch.shape[0], -1, dtype=np.int64)
    finish, backlog, cost = np.full(backends, np.inf), np.empty(backends), np.empty(backends)
    ahead, waiting = _ahead_s(request, pool, snapshot), np.zeros(snapshot.progress_s.shape[0])
    for j in range(backends):
        waiting[pool.device_of[j]] += snapshot.correction[j] * _in_flight_s(pool, snapshot, j, half)
    for j in range(backends):
        size, device, correction = pool.size_of[j], pool.device_of[j], snapshot.correction[j]
        backlog[j] = max(waiting[device] - snapshot.progress_s[device], 0.0)
        cost[j] = correction * _cost_s(request, pool, snapshot, j)
        if snapshot.ready[j]:
            finish[j] = correction * _finish_s(request, pool, snapshot, ahead, j)
            if best[size] < 0 or finish[j] < finish[best[size]]:
                best[size] = j
    return Candidates(best, finish, backlog, cost)


def _in_flight_s(pool: Pool, snapshot: Snapshot, backend: int, steps: float) -> float:
    """Return the seconds of what is in flight on a backend, and of so many steps of what decodes there."""
    size, seconds = pool.size_of[backend], pool.batch_s[pool.size_of[backend], snapshot.running[backend]]
    if snapshot.units[backend] > 0:
        seconds += work_s(pool, size, waiting_units(snapshot, backend))
    if snapshot.decoding[backend] > 0:
        seconds += steps * next_token_s(pool, size, snapshot.decoding[backend], snapshot.length)
    return float(seconds)


def _ahead_s(request: Request, pool: Pool, snapshot: Snapshot) -> NDArray[np.float64]:
    """Return for each backend the seconds of what goes before, or in turns with, a request that comes now."""
    ahead = np.empty(pool.size_of.shape[0])
    for j in range(ahead.shape[0]):
        ahead[j] = _in_flight_s(pool, snapshot, j, max(request.steps, 1.0))
    return ahead


def _cost_s(request: Request, pool: Pool, snapshot: Snapshot, backend: int) -> float:
    """Return the seconds that a request adds to the work of a device."""
    if request.steps > 0.0:
        return request.steps * added_s(pool, snapshot, backend)
    return request_s(pool, pool.size_of[backend], request.units)


def added_s(pool: Pool, snapshot: Snapshot, backend: int) -> float:
    """Return by how much one sequence more lengthens the seconds between two tokens."""
    size, decoding, length = pool.size_of[backend], snapshot.decoding[backend], snapshot.length
    return next_token_s(pool, size, decoding + 1, length) - next_token_s(pool, size, decoding, length)


def _finish_s(request: Request, pool: Pool, snapshot: Snapshot, ahead: NDArray[np.float64], backend: int) -> float:
    """Return the predicted seconds until a request given to `backend` now is answered, not corrected."""
    size, device, decoding = pool.size_of[backend], pool.device_of[backend], snapshot.decoding[backend]
    waiting = waiting_units(snapshot, backend)
    if request.steps > 0.0:
        alone = request.steps * next_token_s(pool, size, decoding + 1, snapshot.length)
        own = work_s(pool, size, waiting) + alone
    else:
        alone = work_s(pool, size, request.units)
        own = work_s(pool, size, waiting + request.units)
        if decoding > 0:
            own += next_token_s(pool, size, decoding, snapshot.length)
    total = own + pool.batch_s[size, snapshot.running[backend]] - snapshot.progress_s[device]
    for place in range(pool.hosted.shape[1]):
        j = pool.hosted[device, place]
        if j >= 0 and j != backend:
            total += ahead[j] if pool.turns else min(ahead[j], own)
    return float(max(total, alone))


def corrected(correction: float, weight: float, expected: float, observed: float) -> tuple[float, float]:
    """Return a correction and its weight after an answer of so many seconds, or tokens, where others were expected.

    It is the mean of what was observed over the mean of what was expected, of the last hundred answers or so: errors
    of single predictions cancel. A weight of 0 means that nothing is known yet.

    `expected` does not count the correction: that moves while the request waits, and an answer compared with the
    correction of its own decision would move today's by an error that others have removed already.
    """
    predicted = expected * correction
    observed = min(max(observed, predicted / MOST_SURPRISING), predicted * MOST_SURPRISING)
    kept = (1.0 - 1.0 / CORRECTION_ANSWERS) * weight if weight > 0.0 else DOUBTFUL_ANSWERS * expected
    found = (correction * kept + observed) / max(kept + expected, 1e-9)
    return min(max(found, CORRECTION_BOUNDS[0]), CORRECTION_BOUNDS[1]), kept + expected


def unanswered_s(waited_s: float, predicted_s: float) -> float:
    """Return the seconds that are taken to be observed where no answer came within so many; 0: they say nothing yet."""
    return UNANSWERED_FACTOR * waited_s if waited_s > predicted_s else 0.0


def cut_off(tokens: float, expected: float) -> float:
    """Return the tokens that an output is taken to have had that was cut off after so many; 0: they say nothing yet."""
    return tokens + TO_GO * expected if tokens > TO_GO * expected else 0.0


def applied(correction: float) -> float:
    """Return the factor on a prediction: 1 for what may be an error of prediction as well, and never too low.

    What lies below 1 is taken less seriously than it is, what lies above fully once it is twice what may be error.
    """
    log = math.log(correction)
    if log > 0.0:
        return math.exp(min(max(2.0 * (log - PREDICTION_ERROR), 0.0), log))
    return math.exp(min(log + PREDICTION_ERROR, 0.0))


def faded(correction: float, since_s: float) -> float:
    """Return what is left of a correction that was last learned `since_s` ago.

    A backend that is avoided because it was slow gives no answers to learn from: without this it would stay avoided.
    """
    if since_s < CONFIRMED_S:
        return correction
    return math.pow(correction, math.exp(-since_s / CORRECTION_LASTS_S))
