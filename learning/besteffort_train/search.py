"""Direct policy search: the numbers of a scorer that earn most in the simulator, found by CMA-ES, without gradients.

All candidates of a round play the same episodes, and every few rounds these are drawn anew. The start is the tuned
Price written as a scorer; it takes part in the choice of the best checkpoint.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.decide import timely
from besteffort_core.latency import candidates, request_s
from besteffort_core.policies import PRICE_SHARPNESS
from besteffort_core.policy import Kind
from besteffort_core.scorer import FEATURES, OUTPUTS, Scorer, build_scorer, features, offered
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import request_of, simulate, snapshot_of
from besteffort_train.strategy import Strategy
from besteffort_train.tune import worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from besteffort_core.policies import Parameters
    from besteffort_sim.model import Plan
    from besteffort_train.episodes import Episode, Service

__all__ = ["Checkpoint", "ScorerSearch", "search_scorer", "start_scorer"]

WIDTH, OUT = len(FEATURES), len(OUTPUTS)
SPREADS = np.array([0.5, 0.3, 1.0, 1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 0.5, 0.3, 1.0, 1.0, 0.2, 0.5, 0.5, 0.3, 0.5, 0.3])
"""First standard deviation of the weight of each feature in the logarithm of the price."""
OUTPUT_SPREADS = np.array([1.0, 0.1])
"""The same for the outputs, relative."""
FIRST_STEP = 0.25
SEEN = 100
"""Decisions of an episode that the range is taken from."""


@dataclass(frozen=True, slots=True)
class ScorerSearch:
    """How long and how wide to search."""

    rounds: int = 80
    candidates: int = 12
    """In each round."""
    episodes: int = 12
    """That each candidate plays."""
    renewed: int = 4
    """Rounds after which they are drawn anew."""
    hidden: int = 4
    """Width of the network beside the linear form; 0 for none."""
    check_rounds: int = 10
    """Rounds between checkpoints."""
    check_episodes: int = 64
    """That checkpoints are judged by."""


class Checkpoint(NamedTuple):
    """A scorer on the way, and what it is worth on the episodes that checkpoints are judged by."""

    scorer: Scorer
    worth: float
    round: int


def start_scorer(service: Service, price: Parameters, hidden: int, *, seed: int) -> Scorer:
    """Return the scorer that decides as Price does on this service, with a network that adds nothing yet."""
    pool, size = service.pool, int(service.pool.rank[0])
    # Price has arrivals per deadline where the scorer has the share of all devices that they take.
    unit = math.log(service.deadline_s * pool.hosted.shape[0] / request_s(pool, size))
    scorer = build_scorer(np.array([price[0] + price[1] * unit, *price[1:]]), hidden)
    return scorer._replace(inner=_rng(seed, 4).normal(size=scorer.inner.shape) / math.sqrt(WIDTH))


def search_scorer(
    start: Scorer,
    price: Parameters,
    draw: Callable[[np.random.Generator], Episode],
    settings: ScorerSearch,
    *,
    seed: int,
    report: Callable[[Checkpoint], None] = lambda _: None,
) -> Checkpoint:
    """Return the checkpoint that is worth most; one seed makes one result.

    `price` are the numbers that rule where the scorer is out of its range. `report` hears every round, with
    the worth of the last checkpoint.
    """
    strategy = Strategy(vector_of(start), FIRST_STEP * _spreads(start), settings.candidates, _rng(seed, 1))
    checks, drawn = _episodes(draw, settings.check_episodes, _rng(seed, 2)), _rng(seed, 3)
    episodes: Sequence[Episode] = ()
    with ThreadPoolExecutor(2) as threads:

        def values(points: NDArray[np.float64], played: Sequence[Episode]) -> NDArray[np.float64]:
            plans = [build_plan(Kind.LEARNED, price, scorer_of(point, start)) for point in points]
            pairs = [(episode, plan) for plan in plans for episode in played]
            found = list(threads.map(lambda pair: worth(*pair), pairs))
            means: NDArray[np.float64] = np.array(found).reshape(len(plans), len(played)).mean(axis=1)
            return means

        best = latest = Checkpoint(start, float(values(strategy.mean[None], checks)[0]), 0)
        for number in range(1, settings.rounds + 1):
            if (number - 1) % settings.renewed == 0:
                episodes = _episodes(draw, settings.episodes, drawn)
            strategy.learn(values(strategy.draw(), episodes))
            if number % settings.check_rounds == 0 or number == settings.rounds:
                value = float(values(strategy.mean[None], checks)[0])
                latest = Checkpoint(scorer_of(strategy.mean, start), value, number)
                best = latest if latest.worth > best.worth else best
            report(latest._replace(round=number))
    return best._replace(scorer=_with_range(best.scorer, price, checks))


def vector_of(scorer: Scorer) -> NDArray[np.float64]:
    """Return what is searched for, as one vector."""
    shape = np.append(math.log(scorer.shape[0] / PRICE_SHARPNESS), scorer.shape[1:])
    network = (scorer.inner.ravel(), scorer.inner_bias, scorer.outer.ravel())
    return np.concatenate([scorer.linear.ravel(), scorer.bias, shape, *network])


def scorer_of(vector: NDArray[np.float64], like: Scorer) -> Scorer:
    """Return the scorer of a vector, with shapes and range as in another."""
    hidden = like.inner_bias.size
    parts = np.split(vector, np.cumsum([WIDTH * OUT, OUT, 3, WIDTH * hidden, hidden]))
    linear, bias, shape, inner, inner_bias, outer = parts
    return like._replace(
        linear=linear.reshape(WIDTH, OUT).copy(),
        bias=bias.copy(),
        shape=np.append(PRICE_SHARPNESS * math.exp(shape[0]), shape[1:]),
        inner=inner.reshape(WIDTH, hidden).copy(),
        inner_bias=inner_bias.copy(),
        outer=outer.reshape(hidden, OUT).copy(),
    )


def _spreads(scorer: Scorer) -> NDArray[np.float64]:
    hidden = scorer.inner_bias.size
    inner = np.repeat(SPREADS / math.sqrt(WIDTH), hidden)
    outer = np.tile(OUTPUT_SPREADS, hidden)
    linear = np.outer(SPREADS, OUTPUT_SPREADS).ravel()
    return np.concatenate([linear, [0.5, 0.05], [0.3, 0.3, 0.2], inner, np.full(hidden, 0.5), outer])


def _with_range(scorer: Scorer, price: Parameters, episodes: Sequence[Episode]) -> Scorer:
    """Return the scorer with the range of the features that it meets in episodes."""
    plan = build_plan(Kind.LEARNED, price, scorer)
    seen = np.concatenate([rows for episode in episodes for rows in _seen(plan, episode)])
    return scorer._replace(low=seen.min(axis=0), high=seen.max(axis=0))


def _seen(plan: Plan, episode: Episode) -> Iterator[NDArray[np.float64]]:
    """Yield what the scorer sees at some decisions of an episode."""
    pool, world, workload = episode
    log = simulate(pool, world, workload, plan, trail=True)
    for k in range(0, workload.arrival_s.size, max(workload.arrival_s.size // SEEN, 1)):
        snapshot, request = snapshot_of(log, world, k), request_of(workload, k)
        found = timely(request, pool, candidates(request, pool, snapshot))
        yield features(request, found, pool, snapshot, offered(found))


def _episodes(draw: Callable[[np.random.Generator], Episode], count: int, rng: np.random.Generator) -> list[Episode]:
    return [draw(rng) for _ in range(count)]


def _rng(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng((seed, purpose))
