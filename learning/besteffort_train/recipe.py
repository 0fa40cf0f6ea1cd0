"""The whole training of a service's policy: tune the rules, find the network, compare all, make the bundle."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from besteffort_core.bundle import Bundle, bundle_to_bytes
from besteffort_core.policy import Kind
from besteffort_train.baselines import build_plans
from besteffort_train.dqn import Course, train
from besteffort_train.episodes import Spread, capacity_rps, draw_episode
from besteffort_train.evaluation import build_workloads, compare, named_traffic
from besteffort_train.hyper import Hyper
from besteffort_train.search import ScorerSearch, search_scorer, start_scorers
from besteffort_train.strategy import Search
from besteffort_train.tune import mean_reward, mean_worth, tune_ladder, tune_price

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from besteffort_core.dqn import Network
    from besteffort_core.policies import Parameters
    from besteffort_core.scorer import Scorer
    from besteffort_train.dqn import Progress
    from besteffort_train.episodes import Episode, Service
    from besteffort_train.strategy import Climbed

    Report = Callable[[str, int, int, float], None]

__all__ = ["Made", "Recipe", "make_policy"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training is made of, but for the service and the seed."""

    search: ScorerSearch = field(default_factory=ScorerSearch)
    """Of Learned."""
    hyper: Hyper = field(default_factory=Hyper)
    """Of DQN."""
    rules: Search = field(default_factory=Search)
    spread: Spread = field(default_factory=Spread)
    tuning_episodes: int = 24
    judged_episodes: int = 64
    """That checkpoints are judged by."""
    validation_episodes: int = 200
    """Drawn as those of the training, but not seen in it."""
    seeds: int = 10
    """Of the comparison on bursts."""

    def searched_for(self, rounds: int) -> Recipe:
        """Return this recipe with so many rounds for Learned, and no more for a rule."""
        rules = replace(self.rules, rounds=min(rounds, self.rules.rounds))
        return replace(self, search=replace(self.search, rounds=rounds), rules=rules)


class Made(NamedTuple):
    """A policy as it is written, and what it says of itself."""

    data: bytes
    bundle: Bundle


class _Found(NamedTuple):
    """A network, what its checkpoint was worth, and how it was found."""

    network: Scorer | Network
    worth: float
    facts: Mapping[str, Any]


def make_policy(
    service: Service,
    recipe: Recipe,
    *,
    kind: Kind = Kind.LEARNED,
    seed: int,
    report: Callable[[str, int, int, float], None] = lambda *_: None,
) -> Made:
    """Return the policy of a service, of kind Learned or DQN; same service, recipe, seed and versions: same bytes.

    `report` hears the phase, how much of it is done, of how much, and the last known reward (NaN for none).
    """
    rng = np.random.default_rng((seed, 3))
    episodes = [draw_episode(service, recipe.spread, rng) for _ in range(recipe.tuning_episodes)]
    report("tuning Price", 0, 1, np.nan)
    price = tune_price(episodes, recipe.rules, rng)
    report("tuning Ladder", 0, 1, np.nan)
    ladder = tune_ladder(episodes, recipe.rules, rng)
    if kind is Kind.DQN:
        found = _trained_dqn(service, recipe, seed, report)
    else:
        found = _searched_scorer(service, recipe, price, seed, report)
    facts = _trained(service, recipe, found, seed)
    bundle = Bundle(found.network, price, ladder, service.tasks, service.sizes, facts, {})
    report("comparing", 0, 1, found.worth)
    bundle = replace(bundle, results=_results(service, recipe, bundle, seed))
    return Made(bundle_to_bytes(bundle), bundle)


def _searched_scorer(service: Service, recipe: Recipe, price: Parameters, seed: int, report: Report) -> _Found:
    def heard(latest: Climbed) -> None:
        report("searching", latest.round, recipe.search.rounds, latest.value)

    starts = start_scorers(service, price, recipe.search.hidden, seed=seed)
    draw, judged = functools.partial(draw_episode, service, recipe.spread), _judged(service, recipe, seed)
    found = search_scorer(starts, draw, judged, recipe.search, seed=seed, report=heard)
    return _Found(found.scorer, found.worth, {"rounds": recipe.search.rounds, "checkpoint": found.round})


def _trained_dqn(service: Service, recipe: Recipe, seed: int, report: Report) -> _Found:
    def heard(progress: Progress) -> None:
        report("training", progress.step, progress.steps, progress.reward)

    draw, judged = functools.partial(draw_episode, service, recipe.spread), _judged(service, recipe, seed)
    course = Course(len(service.tasks), len(service.sizes), draw, lambda plan: mean_worth(judged, plan))
    found = train(course, recipe.hyper, seed=seed, report=heard)
    return _Found(found.network, found.reward, {"steps": recipe.hyper.steps, "checkpoint": found.step})


def _judged(service: Service, recipe: Recipe, seed: int) -> list[Episode]:
    rngs = np.random.default_rng((seed, 5)).spawn(recipe.judged_episodes)
    return [draw_episode(service, recipe.spread, rng) for rng in rngs]


def _trained(service: Service, recipe: Recipe, found: _Found, seed: int) -> Mapping[str, Any]:
    capacities = {name: round(capacity_rps(service.pool, size), 1) for size, name in enumerate(service.sizes)}
    spread = recipe.spread
    rates = [round(spread.load[0] * min(capacities.values()), 1), round(spread.load[1] * max(capacities.values()), 1)]
    return {
        "version": version("besteffort"),
        "seed": seed,
        **found.facts,
        "rate_rps": rates,
        "deadline_s": [round(service.deadline_s * factor, 3) for factor in spread.deadline],
        "grace_factor": service.pool.grace_factor,
        "tasks": list(service.tasks),
        "capacity_rps": capacities,
        "machine": list(spread.machine),
        "surprise": list(spread.surprise),
    }


def _results(service: Service, recipe: Recipe, bundle: Bundle, seed: int) -> Mapping[str, Any]:
    """Return mean rewards on unseen episodes like those of the training, and on bursts with their intervals."""
    rng = np.random.default_rng((seed, 4))
    episodes = [draw_episode(service, recipe.spread, rng) for _ in range(recipe.validation_episodes)]
    plans = build_plans(service.sizes, bundle)
    spread = {name: round(mean_reward(episodes, plan), 4) for name, plan in plans.items()}
    workloads = build_workloads(service, named_traffic(service)["bursts"], recipe.seeds, seed=seed)
    rows = compare(service, plans, workloads, against=bundle.kind)
    bursts = {row.policy: [round(row.reward.mean, 4), round(row.reward.half, 4)] for row in rows}
    return {"episodes": spread, "bursts": bursts}
