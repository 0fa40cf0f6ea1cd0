from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from besteffort_train.strategy import Climbed, Search, Strategy, climb

if TYPE_CHECKING:
    from collections.abc import Sequence

TOP = np.arange(6.0)


def value(points: np.ndarray) -> np.ndarray:
    """A long narrow hill: one number matters a hundred times as much as another."""
    found: np.ndarray = -((np.logspace(0, 2, 6) * (points - TOP)) ** 2).sum(axis=1)
    return found


def climbed(seed: int, rounds: int) -> Strategy:
    strategy = Strategy(np.zeros(6), np.ones(6), 10, np.random.default_rng(seed))
    for _ in range(rounds):
        strategy.learn(value(strategy.draw()))
    return strategy


def test_it_finds_the_top_of_a_long_narrow_hill() -> None:
    np.testing.assert_allclose(climbed(0, 300).mean, TOP, atol=1e-3)


def test_one_seed_climbs_the_same_way() -> None:
    assert np.array_equal(climbed(3, 5).mean, climbed(3, 5).mean)
    assert not np.array_equal(climbed(3, 5).mean, climbed(4, 5).mean)


def test_candidates_come_in_pairs_around_the_mean_at_their_own_spreads() -> None:
    strategy = Strategy(np.array([1.0, -1.0]), np.array([0.1, 10.0]), 2000, np.random.default_rng(0))
    drawn = strategy.draw()
    np.testing.assert_allclose(drawn.mean(axis=0), strategy.mean, atol=1e-9)
    np.testing.assert_allclose(drawn.std(axis=0), [0.1, 10.0], rtol=0.1)


def test_where_nothing_is_better_it_stays_wide() -> None:
    strategy = Strategy(np.zeros(3), np.ones(3), 12, np.random.default_rng(0))
    for _ in range(30):
        strategy.learn(np.random.default_rng(strategy.rounds).normal(size=strategy.draw().shape[0]))
    assert strategy.step > 0.1


def test_what_has_no_spread_stays_and_costs_the_search_nothing() -> None:
    fixed = Strategy(np.append(np.zeros(6), 7.0), np.append(np.ones(6), 0.0), 10, np.random.default_rng(0))
    for _ in range(20):
        drawn = fixed.draw()
        assert np.all(drawn[:, 6] == 7.0)
        fixed.learn(value(drawn[:, :6]))
    assert np.array_equal(fixed.mean[:6], climbed(0, 20).mean)


def test_candidates_are_valued_on_the_draw_of_their_round_and_means_on_the_checks() -> None:
    draws, valued = itertools.count(1), list[int]()
    heard: list[Climbed] = []

    def values(points: np.ndarray, played: Sequence[int]) -> np.ndarray:
        valued.append(played[0])
        return value(points) if played[0] else -value(points)

    search = Search(rounds=5, candidates=10, renewed=2, check_rounds=2)
    strategy = Strategy(np.zeros(6), np.ones(6), search.candidates, np.random.default_rng(0))
    best = climb(strategy, search, values, lambda: [next(draws)], [0], heard.append)
    assert valued == [0, 1, 1, 0, 2, 2, 0, 3, 0]
    assert [one.round for one in heard] == [1, 2, 3, 4, 5]
    start = float(-value(np.zeros((1, 6)))[0])
    assert [one.value for one in heard] == [start, *(float(-value(one.point[None])[0]) for one in heard[1:])]
    # It climbs where the checks go down, so that nothing on the way is better than the start.
    assert value(heard[-1].point[None])[0] > value(np.zeros((1, 6)))[0]
    assert (best.round, best.value) == (0, start)


def test_the_best_checkpoint_is_kept_though_later_ones_are_worse() -> None:
    first = Strategy(np.zeros(6), np.ones(6), 10, np.random.default_rng(0))
    heard: list[Climbed] = []

    def values(points: np.ndarray, played: Sequence[int]) -> np.ndarray:
        return value(points) if played else -np.abs(np.linalg.norm(points, axis=1) - 1.0)

    best = climb(first, Search(rounds=30), values, lambda: [1], [], heard.append)
    assert best.value == max(one.value for one in heard) > heard[-1].value
    assert np.array_equal(best.point, heard[best.round - 1].point)
