"""Direct policy search: the numbers of a scorer that earn most in the simulator, found by CMA-ES, without gradients.

All candidates of a round play the same episodes, and every few rounds these are drawn anew. The starts, the tuned
Price as a scorer and the general scorer, take part in the choice of the best checkpoint.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.decide import timely
from besteffort_core.general import GENERAL
from besteffort_core.latency import candidates, request_s
from besteffort_core.policies import PRICE_SHARPNESS
from besteffort_core.policy import Kind
from besteffort_core.scorer import FEATURES, GENERATES, OUTPUTS, Scorer, build_scorer, features, offered
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import request_of, simulate, snapshot_of
from besteffort_train.strategy import Search, Strategy, climb
from besteffort_train.threads import in_threads
from besteffort_train.tune import worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from besteffort_core.policies import Parameters
    from besteffort_sim.model import Plan
    from besteffort_train.episodes import Episode, Service
    from besteffort_train.strategy import Climbed

__all__ = ["FREE", "Checkpoint", "ScorerSearch", "search_scorer", "start_scorers"]

WIDTH, OUT = len(FEATURES), len(OUTPUTS)
SPREADS = np.array([0.5, 0.3, 1.0, 1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 0.5, 0.3, 1.0, 1.0, 0.2, 0.5, 0.5, 0.3, 0.5, 0.3])
"""First standard deviation of the weight of each feature in the logarithm of the price."""
OUTPUT_SPREADS = np.array([1.0, 0.1])
"""The same for the outputs, relative."""
FREE = np.array([-6.0, 0.0, 0.0, 0.15])
"""A price, as `build_scorer` takes it, of next to nothing: where sizes share no device none takes from another."""
FIRST_STEP = 0.25
SEEN = 100
"""Decisions of an episode that the range is taken from."""


@dataclass(frozen=True, slots=True)
class ScorerSearch(Search):
    """How long and how wide to search for a scorer."""

    rounds: int = 80
    candidates: int = 12
    renewed: int = 4
    check_rounds: int = 10
    episodes: int = 12
    """That each candidate plays."""
    hidden: int = 2
    """Width of the network beside the linear form; 0 for none."""
    first_late_cost: float = 0.0
    """As in `tune.worth`."""


class Checkpoint(NamedTuple):
    """A scorer, what it is worth on the episodes that checkpoints are judged by, and the round that found it."""

    scorer: Scorer
    worth: float
    round: int


def start_scorers(service: Service, price: Parameters, hidden: int, *, seed: int) -> list[Scorer]:
    """Return the scorer that decides as Price does on this service, the general one, and one to which work is free.

    Their networks add 0.
    """
    pool, size = service.pool, int(service.pool.rank[0])
    # Price has arrivals per deadline where the scorer has the share of all devices that they take.
    unit = math.log(service.deadline_s * pool.hosted.shape[0] / request_s(pool, size))
    scorer = build_scorer(np.array([price[0] + price[1] * unit, *price[1:]]), hidden)
    scorer = scorer._replace(inner=_rng(seed, 4).normal(size=scorer.inner.shape) / math.sqrt(WIDTH))
    starts = (scorer, GENERAL, build_scorer(FREE))
    return [scorer._replace(linear=one.linear, bias=one.bias, shape=one.shape) for one in starts]


def search_scorer(
    starts: Sequence[Scorer],
    draw: Callable[[np.random.Generator], Episode],
    checks: Sequence[Episode],
    settings: ScorerSearch,
    *,
    seed: int,
    report: Callable[[Climbed], None] = lambda _: None,
) -> Checkpoint:
    """Return the checkpoint that is worth most on `checks`, with the range that it met there; one seed, one result.

    The search sets out from the best start; all must have networks of one width. If what was found, with its range, is
    worth less, that start is returned. `report` hears as that of `climb` does.
    """
    rng = _rng(seed, 3)
    values = functools.partial(_values, starts[0], settings.first_late_cost)
    first = values(np.array([vector_of(start) for start in starts]), checks)
    start = starts[int(first.argmax())]
    spreads = FIRST_STEP * _spreads(start, generates=checks[0].pool.mean_steps > 0.0)
    strategy = Strategy(vector_of(start), spreads, settings.candidates, _rng(seed, 1))
    best = climb(strategy, settings, values, lambda: [draw(rng) for _ in range(settings.episodes)], checks, report)
    ranged = _with_range(scorer_of(best.point, start), checks)
    value = float(_values(ranged, settings.first_late_cost, vector_of(ranged)[None], checks)[0])
    if value < first.max():  # outside of its range it is another
        return Checkpoint(start, float(first.max()), 0)
    return Checkpoint(ranged, value, best.round)


def _values(
    like: Scorer, first_late_cost: float, points: NDArray[np.float64], played: Sequence[Episode]
) -> NDArray[np.float64]:
    """Return the mean worth of the scorer of each row of points, (points,)."""
    plans = [build_plan(Kind.LEARNED, network=scorer_of(point, like)) for point in points]

    def earned(case: tuple[Plan, Episode]) -> float:
        plan, episode = case
        pool, world, workload = episode
        return worth(episode, simulate(pool, world, workload, plan), first_late_cost)

    found = in_threads(earned, itertools.product(plans, played))
    means: NDArray[np.float64] = np.array(found).reshape(len(plans), len(played)).mean(axis=1)
    return means


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


def _spreads(scorer: Scorer, *, generates: bool) -> NDArray[np.float64]:
    """Return the first standard deviations; 0 for what has no effect where nothing generates."""
    hidden, known = scorer.inner_bias.size, SPREADS * ((np.arange(WIDTH) < GENERATES) | generates)
    inner = np.repeat(known / math.sqrt(WIDTH), hidden)
    outer = np.tile(OUTPUT_SPREADS, hidden)
    linear = np.outer(known, OUTPUT_SPREADS).ravel()
    return np.concatenate([linear, [0.5, 0.05], [0.3, 0.3, 0.2 * generates], inner, np.full(hidden, 0.5), outer])


def _with_range(scorer: Scorer, episodes: Sequence[Episode]) -> Scorer:
    """Return the scorer with the range of the features that it meets in episodes."""
    plan = build_plan(Kind.LEARNED, network=scorer)
    seen = np.concatenate([rows for episode in episodes for rows in _seen(plan, episode)])
    return scorer._replace(low=seen.min(axis=0), high=seen.max(axis=0))


def _seen(plan: Plan, episode: Episode) -> Iterator[NDArray[np.float64]]:
    """Yield what the scorer sees at some decisions of an episode."""
    pool, world, workload = episode
    log = simulate(pool, world, workload, plan, trail=True)
    for k in range(0, workload.arrival_s.size, max(workload.arrival_s.size // SEEN, 1)):
        snapshot = snapshot_of(log, world, k)
        request = request_of(workload, k, snapshot)
        found = timely(request, pool, candidates(request, pool, snapshot))
        yield features(request, found, pool, snapshot, offered(found))


def _rng(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng((seed, purpose))
