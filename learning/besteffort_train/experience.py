"""What is learned from: random decisions in simulated episodes, what came of them, and the store of the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from besteffort_sim.compiled import compiled
from besteffort_sim.returns import discounted_tail
from besteffort_sim.simulator import observations, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from besteffort_sim.model import Log, Plan, Workload
    from besteffort_train.episodes import Episode
    from besteffort_train.hyper import Hyper

__all__ = ["Replay", "Transitions", "play", "worth"]


class Transitions(NamedTuple):
    """Random decisions and what came of them, as arrays of one length."""

    observation: NDArray[np.float32]
    action: NDArray[np.int64]
    gain: NDArray[np.float32]
    """Discounted rewards over the span, less those of the reference."""
    discount: NDArray[np.float32]
    """Of what follows the span."""
    following: NDArray[np.float32]
    """The observation at the end of the span."""


def play(episode: Episode, plan: Plan, hyper: Hyper, deadline_s: float, rng: np.random.Generator) -> Transitions:
    """Run an episode with and without random decisions, and return these."""
    pool, world, load = episode
    forced = np.where(
        _is_random(load.arrival_s, hyper, deadline_s, rng), rng.integers(0, pool.max_batch.size, load.task.size), -1
    )
    reference = simulate(pool, world, load, plan)
    log = simulate(pool, world, load, plan._replace(forced=forced), trail=True)
    horizon_s = hyper.horizon * deadline_s
    end = np.searchsorted(load.arrival_s, load.arrival_s + hyper.span * deadline_s)
    chosen = np.flatnonzero((forced >= 0) & (log.size == forced) & (end < load.task.size))
    end = end[chosen]
    seen = (observations(pool, world, load, log, rows) for rows in (chosen, end))
    start_s, end_s = load.arrival_s[chosen], load.arrival_s[end]
    at_s, value = worth(load, log, hyper.late_cost)
    reference_at_s, reference_value = worth(load, reference, hyper.late_cost)
    times_s, values = _in_order(np.append(at_s, reference_at_s), np.append(value, -reference_value))
    tail, discount = compiled(discounted_tail), np.exp((start_s - end_s) / horizon_s)
    gain = tail(times_s, values, start_s, horizon_s) - discount * tail(times_s, values, end_s, horizon_s)
    # A request's own reward is not discounted: a deadline says all about the worth of its time.
    gain += value[chosen] * (1.0 - np.exp((start_s - at_s[chosen]) / horizon_s))
    now, later = seen
    return Transitions(now, log.size[chosen], gain.astype(np.float32), discount.astype(np.float32), later)


def _is_random(
    arrival_s: NDArray[np.float64], hyper: Hyper, deadline_s: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which decisions are random: so many per deadline at the rate of the neighbouring arrivals."""
    neighbours = min(32, arrival_s.size)
    between_s = np.convolve(np.diff(arrival_s, prepend=0.0), np.full(neighbours, 1.0 / neighbours), "same")
    share = np.minimum(hyper.random_per_deadline * between_s / deadline_s, hyper.random_share)
    chosen: NDArray[np.bool_] = rng.uniform(size=arrival_s.size) < share
    return chosen


def worth(load: Workload, log: Log, late_cost: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when what became of each request counts, and what it is worth: its reward, less the cost if it missed."""
    missed = log.latency_s > load.deadline_s
    at_s = load.arrival_s + np.where(np.isfinite(log.latency_s), log.latency_s, load.deadline_s)
    return at_s, log.reward - late_cost * missed


def _in_order(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    order = np.argsort(times_s, kind="stable")
    return times_s[order], values[order]


class Replay:
    """The last transitions, and the range of all observations that were ever added."""

    def __init__(self, capacity: int, length: int) -> None:
        self.observation, self.following = torch.zeros(capacity, length), torch.zeros(capacity, length)
        self.action = torch.zeros(capacity, dtype=torch.int64)
        self.gain, self.discount = torch.zeros(capacity), torch.zeros(capacity)
        self.low, self.high = np.full(length, np.inf, np.float32), np.full(length, -np.inf, np.float32)
        self.added = 0

    def add(self, new: Transitions) -> None:
        """Add transitions in place of the oldest."""
        at = (self.added + torch.arange(new.action.size)) % self.action.shape[0]
        for name, values in new._asdict().items():
            getattr(self, name)[at] = torch.from_numpy(values)
        if new.action.size:
            self.low = np.minimum(self.low, new.observation.min(axis=0))
            self.high = np.maximum(self.high, new.observation.max(axis=0))
        self.added += new.action.size

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return that many transitions, as the fields of Transitions."""
        at = torch.randint(0, min(self.added, self.action.shape[0]), (count,), generator=generator)
        return self.observation[at], self.action[at], self.gain[at], self.discount[at], self.following[at]
