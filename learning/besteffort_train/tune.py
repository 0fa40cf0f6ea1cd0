"""Tune the numbers of Price and Ladder in the simulator, by the search that also finds the learned policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policies import DEFAULT_PRICE
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import share_of_peak
from besteffort_sim.simulator import simulate
from besteffort_train.strategy import Strategy, climb
from besteffort_train.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_core.policies import Parameters
    from besteffort_sim.model import Log, Plan
    from besteffort_train.episodes import Episode
    from besteffort_train.strategy import Search

__all__ = ["LATE_COST", "mean_reward", "mean_worth", "tune_ladder", "tune_price", "worth"]

LATE_COST = 0.1
"""What a request that misses its deadline costs, in shares of its peak: searches pay for availability."""
SCARCE = 0.02
"""The first share of late requests, which may cost more: they decide whether a service counts as available."""


def mean_reward(episodes: Sequence[Episode], plan: Plan) -> float:
    """Return the mean over episodes of the mean reward of a request."""

    def reward(episode: Episode) -> float:
        return float(simulate(*episode, plan).reward.mean())

    return float(np.mean(in_threads(reward, episodes)))


def worth(episode: Episode, log: Log, first_late_cost: float = 0.0) -> float:
    """Return the share of the peak reward of an episode, less the cost of what missed its deadline.

    Up to `SCARCE` of the requests cost `first_late_cost` more, in shares of their peak.
    """
    late = float((log.latency_s > episode.workload.deadline_s).mean())
    earned = share_of_peak(episode.pool, episode.workload, log)
    return earned - LATE_COST * late - first_late_cost * min(late, SCARCE)


def mean_worth(episodes: Sequence[Episode], plan: Plan) -> float:
    """Return the mean worth of episodes: what all searches seek to raise."""

    def played(episode: Episode) -> float:
        pool, world, workload = episode
        return worth(episode, simulate(pool, world, workload, plan))

    return float(np.mean(in_threads(played, episodes)))


def tune_price(episodes: Sequence[Episode], search: Search, rng: np.random.Generator) -> Parameters:
    """Return the level, the weights of rate and backlog and the margin of the price that are worth most."""
    return _tuned(Kind.PRICE, DEFAULT_PRICE, np.array([1.0, 0.3, 1.5, 0.1]), episodes, search, rng)


def tune_ladder(episodes: Sequence[Episode], search: Search, rng: np.random.Generator) -> Parameters:
    """Return the thresholds of the ladder that is worth most, one per size but the last."""
    steps = episodes[0].pool.max_batch.shape[0] - 1
    if steps == 0:
        return np.empty(0)
    start = np.linspace(0.0, 1.0, steps + 2)[1:-1]
    return _tuned(Kind.LADDER, start, np.full(steps, 0.3), episodes, search, rng)


def _tuned(
    kind: Kind,
    start: Parameters,
    spread: Parameters,
    episodes: Sequence[Episode],
    search: Search,
    rng: np.random.Generator,
) -> Parameters:
    """Return the best of all means of the search, the start among them; the episodes are never renewed."""

    def worths(points: NDArray[np.float64], played: Sequence[Episode]) -> NDArray[np.float64]:
        return np.array([mean_worth(played, build_plan(kind, point)) for point in points])

    strategy = Strategy(start, spread, search.candidates, rng)
    return climb(strategy, search, worths, lambda: episodes, episodes).point
