from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_core.policies import DEFAULT_LADDER, DEFAULT_PRICE
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_train.episodes import Episode, Spread, draw_episode
from besteffort_train.strategy import Search
from besteffort_train.tune import LATE_COST, mean_reward, mean_worth, tune_ladder, tune_price, worth
from support.learning import small_service
from support.worlds import pool_of, workload_of, world_of

SEARCH = Search(rounds=3, candidates=8)


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    rng = np.random.default_rng(1)
    return [draw_episode(small_service(), Spread(requests=800), rng) for _ in range(10)]


def test_an_episode_counts_as_much_as_any_other(episodes: list[Episode]) -> None:
    plan = build_plan(Kind.GREEDY)
    wanted = np.mean([simulate(*episode, plan).reward.mean() for episode in episodes])
    assert mean_reward(episodes, plan) == wanted


def test_tuned_numbers_earn_more_than_the_defaults(episodes: list[Episode]) -> None:
    price = tune_price(episodes, SEARCH, np.random.default_rng(0))
    assert price.shape == DEFAULT_PRICE.shape
    tuned, untuned = (mean_worth(episodes, build_plan(Kind.PRICE, one)) for one in (price, DEFAULT_PRICE))
    assert tuned > untuned


def test_worth_is_the_share_of_peak_less_the_cost_of_the_late(episodes: list[Episode]) -> None:
    plan, (pool, world, load) = build_plan(Kind.GREEDY), episodes[0]
    log = simulate(pool, world, load, plan)
    peak, late = pool.quality[load.task].max(axis=1), log.latency_s > load.deadline_s
    assert mean_worth(episodes[:1], plan) == pytest.approx(log.reward.sum() / peak.sum() - LATE_COST * late.mean())


@pytest.mark.parametrize("late", [1, 2, 7])
def test_what_is_late_first_may_cost_more(episodes: list[Episode], late: int) -> None:
    """Of 100 requests two are scarce."""
    pool, world, load = episodes[0]
    first = load._replace(**{name: values[:100] for name, values in load._asdict().items() if values.shape})
    log = simulate(pool, world, first, build_plan(Kind.GREEDY))
    seconds = np.where(np.arange(100) < late, math.inf, 0.0)
    case, came = Episode(pool, world, first), log._replace(latency_s=seconds)
    assert worth(case, came) - worth(case, came, 0.5) == pytest.approx(0.5 * min(late, 2) / 100)


def test_the_thresholds_find_that_the_best_size_is_too_slow_for_the_load() -> None:
    """Size 1 answers one request in 0.8 s and two come in that time: a ladder that steps down at once earns more."""
    pool = pool_of({1: 0.1}, {1: 0.8})
    episode = Episode(pool, world_of(pool, slowness=1.4), workload_of(np.arange(0.0, 50.0, 0.4).tolist(), 1.0))
    ladder = tune_ladder([episode], Search(rounds=2, candidates=100), np.random.default_rng(0))
    tuned, untuned = (mean_reward([episode], build_plan(Kind.LADDER, one)) for one in (ladder, DEFAULT_LADDER[:1]))
    assert ladder.shape == (1,)
    assert tuned > untuned
    assert tuned == pytest.approx(1 / 3)


def test_a_single_size_has_no_steps() -> None:
    pool = pool_of({1: 0.1})
    episode = Episode(pool, world_of(pool), workload_of([0.0]))
    assert tune_ladder([episode], SEARCH, np.random.default_rng(0)).size == 0


def test_one_seed_finds_the_same_numbers(episodes: list[Episode]) -> None:
    first, again, other = (tune_ladder(episodes[:3], SEARCH, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
