"""Tune the numbers of Price and Ladder in the simulator: the cross-entropy method, the same care for each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policies import DEFAULT_PRICE
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_core.policies import Parameters
    from besteffort_sim.model import Plan
    from besteffort_train.episodes import Episode

__all__ = ["Search", "mean_reward", "tune_ladder", "tune_price"]


@dataclass(frozen=True, slots=True)
class Search:
    """How long and how wide to search."""

    rounds: int = 10
    candidates: int = 20
    """Drawn in each round."""
    best: int = 5
    """How many of them the next round is drawn around."""


def mean_reward(episodes: Sequence[Episode], plan: Plan) -> float:
    """Return the mean over episodes of the mean reward of a request."""

    def reward(episode: Episode) -> float:
        return float(simulate(*episode, plan).reward.mean())

    with ThreadPoolExecutor(2) as threads:
        return float(np.mean(list(threads.map(reward, episodes))))


def tune_price(episodes: Sequence[Episode], search: Search, rng: np.random.Generator) -> Parameters:
    """Return the level, the weights of rate and backlog and the margin of the price with the most reward."""
    return _tuned(Kind.PRICE, DEFAULT_PRICE, np.array([1.0, 0.3, 1.5, 0.1]), episodes, search, rng)


def tune_ladder(episodes: Sequence[Episode], search: Search, rng: np.random.Generator) -> Parameters:
    """Return the thresholds of the ladder with the most reward, one per size but the last."""
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
    """Return the best of all candidates; each round is drawn around the mean of the best of the last."""
    tried = [(mean_reward(episodes, build_plan(kind, start)), start)]
    mean = start
    for _ in range(search.rounds):
        drawn = [mean + spread * rng.normal(size=start.size) for _ in range(search.candidates)]
        ranked = sorted(((mean_reward(episodes, build_plan(kind, p)), p) for p in drawn), key=lambda pair: -pair[0])
        kept = np.array([parameters for _, parameters in ranked[: search.best]])
        mean, spread = kept.mean(axis=0), kept.std(axis=0) + 0.02
        tried.append(ranked[0])
    return max(tried, key=lambda pair: pair[0])[1]
