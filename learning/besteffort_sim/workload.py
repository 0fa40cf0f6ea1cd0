"""Arrivals, tasks, deadlines and noise, all drawn before a simulation starts: one generator state, one workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.errors import SimulationError
from besteffort_sim.model import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Bursts", "Drift", "Gamma", "Poisson", "Traffic", "build_workload", "draw_arrivals", "scaled_trace"]

BATCH_NOISE = 0.1
"""Standard deviation of the logarithm of a batch's seconds."""


@dataclass(frozen=True, slots=True)
class Poisson:
    """A constant rate."""

    rate_rps: float


@dataclass(frozen=True, slots=True)
class Bursts:
    """Two rates in turn, each for an exponential time: a two-state Markov-modulated Poisson process."""

    low_rps: float
    high_rps: float
    low_s: float = 8.0
    """Mean duration of a lull."""
    high_s: float = 2.0
    """Mean duration of a burst."""


@dataclass(frozen=True, slots=True)
class Gamma:
    """A rate that is drawn anew from a Gamma distribution after each exponential time."""

    rate_rps: float
    """Mean."""
    cv: float = 1.0
    """Standard deviation over mean."""
    epoch_s: float = 5.0
    """Mean time between draws."""


Traffic = Poisson | Bursts | Gamma


@dataclass(frozen=True, slots=True)
class Drift:
    """How the mix of tasks moves: a Dirichlet draw every so often."""

    concentration: float = 1.0
    epoch_s: float = 10.0


def draw_arrivals(traffic: Traffic, requests: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the first `requests` arrival times in seconds, ascending."""
    arrivals: list[NDArray[np.float64]] = []
    start_s, count = 0.0, 0
    for duration_s, rate_rps in _epochs(traffic, rng):
        found = rng.uniform(start_s, start_s + duration_s, rng.poisson(rate_rps * duration_s))
        arrivals.append(np.sort(found))
        start_s, count = start_s + duration_s, count + found.size
        if count >= requests:
            break
    first: NDArray[np.float64] = np.concatenate(arrivals)[:requests]
    return first


def _epochs(traffic: Traffic, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield (seconds, arrivals per second) without end."""
    while True:
        match traffic:
            case Poisson(rate_rps):
                yield 1.0, rate_rps
            case Bursts(low_rps, high_rps, low_s, high_s):
                yield rng.exponential(low_s), low_rps
                yield rng.exponential(high_s), high_rps
            case Gamma(rate_rps, cv, epoch_s):
                yield rng.exponential(epoch_s), rng.gamma(cv**-2, rate_rps * cv**2)


def scaled_trace(arrival_s: Sequence[float], factor: float) -> NDArray[np.float64]:
    """Return a trace with `factor` times its rate, from 0 s on.

    Raises:
        SimulationError: no arrivals, times that are not finite, or a factor that is not positive.
    """
    times = np.sort(np.asarray(arrival_s, dtype=np.float64))
    if times.size == 0 or not np.isfinite(times).all():
        raise SimulationError("trace: it needs at least one arrival, each a finite number of seconds")
    if not factor > 0.0:
        raise SimulationError(f"trace: the rate factor must be positive, not {factor}")
    scaled: NDArray[np.float64] = (times - times[0]) / factor
    return scaled


def build_workload(
    arrival_s: NDArray[np.float64],
    tasks: int,
    deadline_s: NDArray[np.float64] | float,
    rng: np.random.Generator,
    *,
    drift: Drift | None = None,
) -> Workload:
    """Return the requests that arrive then, with one of `tasks` tasks each (the last index is "other").

    A drift draws a new mix every epoch; without one, all tasks are equally likely.
    """
    n = arrival_s.size
    task = rng.integers(0, tasks, n) if drift is None else _drifting_tasks(arrival_s, tasks, drift, rng)
    noise = np.exp(rng.normal(-0.5 * BATCH_NOISE**2, BATCH_NOISE, n))
    return Workload(arrival_s, task, np.broadcast_to(np.asarray(deadline_s, np.float64), (n,)).copy(), noise)


def _drifting_tasks(
    arrival_s: NDArray[np.float64], tasks: int, drift: Drift, rng: np.random.Generator
) -> NDArray[np.int64]:
    epoch = (arrival_s / drift.epoch_s).astype(np.int64)
    mixes = rng.dirichlet(np.full(tasks, drift.concentration), int(epoch[-1]) + 1).cumsum(axis=1)
    drawn = (rng.uniform(size=(arrival_s.size, 1)) > mixes[epoch]).sum(axis=1)
    task: NDArray[np.int64] = np.minimum(drawn, tasks - 1)
    return task
