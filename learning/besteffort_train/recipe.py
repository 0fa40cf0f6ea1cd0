"""The whole training of a service's policy: tune the rules, search the scorer, compare all, make the bundle."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from besteffort_core.bundle import Bundle, bundle_to_bytes
from besteffort_core.policy import Kind
from besteffort_train.baselines import build_plans
from besteffort_train.episodes import Spread, capacity_rps, draw_episode
from besteffort_train.evaluation import build_workloads, compare, named_traffic
from besteffort_train.search import Checkpoint, ScorerSearch, search_scorer, start_scorers
from besteffort_train.tune import Search, mean_reward, tune_ladder, tune_price

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from besteffort_train.episodes import Service

__all__ = ["Made", "Recipe", "make_policy"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training is made of, but for the service and the seed."""

    search: ScorerSearch = field(default_factory=ScorerSearch)
    rules: Search = field(default_factory=Search)
    spread: Spread = field(default_factory=Spread)
    tuning_episodes: int = 24
    validation_episodes: int = 200
    """Drawn as those of the training, but not seen in it."""
    seeds: int = 10
    """Of the comparison on bursts."""


class Made(NamedTuple):
    """A policy as it is written, and what it says of itself."""

    data: bytes
    bundle: Bundle


def make_policy(
    service: Service,
    recipe: Recipe,
    *,
    seed: int,
    report: Callable[[str, int, int, float], None] = lambda *_: None,
) -> Made:
    """Return the policy of a service; the same service, recipe, seed and versions give the same bytes.

    `report` hears the phase, how much of it is done, of how much, and the last known reward (NaN for none).
    """
    rng = np.random.default_rng((seed, 3))
    episodes = [draw_episode(service, recipe.spread, rng) for _ in range(recipe.tuning_episodes)]
    report("tuning Price", 0, 1, np.nan)
    price = tune_price(episodes, recipe.rules, rng)
    report("tuning Ladder", 0, 1, np.nan)
    ladder = tune_ladder(episodes, recipe.rules, rng)

    def heard(latest: Checkpoint) -> None:
        report("searching", latest.round, recipe.search.rounds, latest.worth)

    starts = start_scorers(service, price, recipe.search.hidden, seed=seed)
    draw = functools.partial(draw_episode, service, recipe.spread)
    found = search_scorer(starts, price, draw, recipe.search, seed=seed, report=heard)
    facts = _trained(service, recipe, found, seed)
    bundle = Bundle(found.scorer, price, ladder, service.tasks, service.sizes, facts, {})
    report("comparing", 0, 1, found.worth)
    bundle = replace(bundle, results=_results(service, recipe, bundle, seed))
    return Made(bundle_to_bytes(bundle), bundle)


def _trained(service: Service, recipe: Recipe, found: Checkpoint, seed: int) -> Mapping[str, Any]:
    capacities = {name: round(capacity_rps(service.pool, size), 1) for size, name in enumerate(service.sizes)}
    spread = recipe.spread
    rates = [round(spread.load[0] * min(capacities.values()), 1), round(spread.load[1] * max(capacities.values()), 1)]
    return {
        "version": version("besteffort"),
        "seed": seed,
        "rounds": recipe.search.rounds,
        "checkpoint": found.round,
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
    rows = compare(service, plans, workloads, against=Kind.LEARNED.value)
    bursts = {row.policy: [round(row.reward.mean, 4), round(row.reward.half, 4)] for row in rows}
    return {"episodes": spread, "bursts": bursts}
