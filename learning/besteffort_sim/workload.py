"""Arrivals, tasks, lengths, deadlines and noise, all drawn before a simulation: one generator state, one workload."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.errors import SimulationError
from besteffort_sim.model import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Bursts",
    "Drift",
    "Gamma",
    "Lengths",
    "Mix",
    "Poisson",
    "Renewals",
    "Traffic",
    "arrivals_within",
    "build_workload",
    "draw_arrivals",
    "scaled_trace",
]

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


@dataclass(frozen=True, slots=True)
class Renewals:
    """A drawn rate as in Gamma, with spikes, and epochs in which the arrivals themselves come in clusters."""

    rate_rps: float
    """Mean, spikes included."""
    cv: float = 1.0
    """Of the rate: standard deviation over mean."""
    epoch_s: float = 5.0
    """Mean time between draws."""
    clustered: float = 0.5
    """Share of the epochs with Gamma-distributed gaps between arrivals; the rest are Poisson."""
    gap_cv: float = 4.0
    """Standard deviation over mean of those gaps."""
    spikes: float = 0.05
    """Share of the epochs at `spike` times the mean rate."""
    spike: float = 6.0


Traffic = Poisson | Bursts | Gamma | Renewals


@dataclass(frozen=True, slots=True)
class Drift:
    """How the mix of tasks moves: a Dirichlet draw every so often."""

    concentration: float = 1.0
    epoch_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix of tasks that stays: the share of each."""

    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long prompts and outputs are, in the profile's units; each pair is a range, both ends included."""

    prompt: tuple[int, int] = (1, 1)
    output: tuple[int, int] = (0, 0)
    generating: float = 0.0
    """Share of the requests that generate; the router expects the mean output of them."""

    @property
    def mean_output(self) -> float:
        """The output that a router expects that knows nothing but the mean."""
        return sum(self.output) / 2


def draw_arrivals(traffic: Traffic, requests: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the first `requests` arrival times in seconds, ascending."""
    arrivals: list[NDArray[np.float64]] = []
    count = 0
    for _, found in _arrivals(traffic, rng):
        arrivals.append(found)
        count += found.size
        if count >= requests:
            break
    first: NDArray[np.float64] = np.concatenate(arrivals)[:requests]
    return first


def arrivals_within(traffic: Traffic, duration_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return all arrival times of the first `duration_s` seconds, ascending."""
    arrivals: list[NDArray[np.float64]] = []
    for end_s, found in _arrivals(traffic, rng):
        arrivals.append(found)
        if end_s >= duration_s:
            break
    found = np.concatenate(arrivals)
    within: NDArray[np.float64] = found[found < duration_s]
    return within


def _arrivals(traffic: Traffic, rng: np.random.Generator) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """Yield (end, arrivals until it) of one epoch after the other."""
    start_s = 0.0
    for duration_s, rate_rps, gap_cv in _epochs(traffic, rng):
        if gap_cv == 1.0:
            found = np.sort(rng.uniform(start_s, start_s + duration_s, rng.poisson(rate_rps * duration_s)))
        else:
            found = start_s + _clustered(duration_s, rate_rps, gap_cv, rng)
        start_s += duration_s
        yield start_s, found


def _clustered(duration_s: float, rate_rps: float, gap_cv: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return arrivals with Gamma-distributed gaps, seen from a moment that knows nothing of the last one.

    The process starts some gaps before, so that an epoch does not open with an arrival and the mean rate holds.
    """
    gaps = math.ceil(duration_s * rate_rps + 10.0 * gap_cv * math.sqrt(duration_s * rate_rps + 1.0) + 10.0)
    before = math.ceil(20.0 * gap_cv**2)
    times = np.cumsum(rng.gamma(gap_cv**-2, gap_cv**2 / rate_rps, before + gaps))
    times -= before / rate_rps
    within: NDArray[np.float64] = times[(times >= 0.0) & (times < duration_s)]
    return within


def _epochs(traffic: Traffic, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Yield (seconds, arrivals per second, deviation of the gaps over their mean) without end."""
    while True:
        match traffic:
            case Poisson(rate_rps):
                yield 1.0, rate_rps, 1.0
            case Bursts(low_rps, high_rps, low_s, high_s):
                yield rng.exponential(low_s), low_rps, 1.0
                yield rng.exponential(high_s), high_rps, 1.0
            case Gamma(rate_rps, cv, epoch_s):
                yield rng.exponential(epoch_s), rng.gamma(cv**-2, rate_rps * cv**2), 1.0
            case Renewals():
                yield _renewal_epoch(traffic, rng)


def _renewal_epoch(traffic: Renewals, rng: np.random.Generator) -> tuple[float, float, float]:
    duration_s, clustered = rng.exponential(traffic.epoch_s), rng.uniform() < traffic.clustered
    # The rate between the spikes is lower than the mean by what the spikes add to it.
    ordinary_rps = traffic.rate_rps * (1.0 - traffic.spikes * traffic.spike) / (1.0 - traffic.spikes)
    spike, drawn_rps = rng.uniform() < traffic.spikes, rng.gamma(traffic.cv**-2, ordinary_rps * traffic.cv**2)
    rate_rps = traffic.rate_rps * traffic.spike if spike else drawn_rps
    return duration_s, max(rate_rps, 1e-9), traffic.gap_cv if clustered else 1.0


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
    drift: Drift | Mix | None = None,
    lengths: Lengths | None = None,
) -> Workload:
    """Return the requests that arrive then, with one of `tasks` tasks each (the last index is "other").

    A drift draws a new mix every epoch; without one, all tasks are equally likely. Without lengths every request is one
    unit long and generates nothing. All requests come to one router, and an answer earns its expected quality: replace
    `router` or `difficulty` for anything else.
    """
    n = arrival_s.size
    task = _tasks(arrival_s, tasks, drift, rng)
    noise = np.exp(rng.normal(-0.5 * BATCH_NOISE**2, BATCH_NOISE, n))
    units, output, steps = _lengths(n, lengths or Lengths(), rng)
    return Workload(
        arrival_s=arrival_s,
        task=task,
        deadline_s=np.broadcast_to(np.asarray(deadline_s, np.float64), (n,)).copy(),
        noise=noise,
        units=units,
        output=output,
        steps=steps,
        difficulty=np.empty(0),
        router=np.zeros(n, dtype=np.int64),
    )


def _lengths(
    requests: int, lengths: Lengths, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return prompts, outputs and the outputs that are expected."""
    units = rng.integers(lengths.prompt[0], lengths.prompt[1], requests, endpoint=True)
    generates = rng.uniform(size=requests) < lengths.generating
    output = np.where(generates, rng.integers(lengths.output[0], lengths.output[1], requests, endpoint=True), 0)
    return units, output, np.where(generates, lengths.mean_output, 0.0)


def _tasks(
    arrival_s: NDArray[np.float64], tasks: int, drift: Drift | Mix | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    match drift:
        case None:
            return rng.integers(0, tasks, arrival_s.size)
        case Mix(shares):
            return rng.choice(len(shares), arrival_s.size, p=shares)
        case Drift():
            return _drifting_tasks(arrival_s, tasks, drift, rng)


def _drifting_tasks(
    arrival_s: NDArray[np.float64], tasks: int, drift: Drift, rng: np.random.Generator
) -> NDArray[np.int64]:
    if arrival_s.size == 0:
        return np.empty(0, dtype=np.int64)
    epoch = (arrival_s / drift.epoch_s).astype(np.int64)
    mixes = rng.dirichlet(np.full(tasks, drift.concentration), int(epoch[-1]) + 1).cumsum(axis=1)
    drawn = (rng.uniform(size=(arrival_s.size, 1)) > mixes[epoch]).sum(axis=1)
    task: NDArray[np.int64] = np.minimum(drawn, tasks - 1)
    return task
