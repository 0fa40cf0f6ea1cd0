from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from besteffort_core.policies import DEFAULT_PRICE
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_train.episodes import Episode, Spread, draw_episode
from besteffort_train.search import Checkpoint, ScorerSearch, scorer_of, search_scorer, start_scorers, vector_of
from besteffort_train.strategy import Climbed
from besteffort_train.tune import mean_worth
from support.bundles import random_scorer
from support.learning import small_service

SERVICE = small_service()
DRAW = functools.partial(draw_episode, SERVICE, Spread(requests=300))
QUICK = ScorerSearch(rounds=6, candidates=6, episodes=4, check_rounds=2, hidden=2)
CHECKS = [DRAW(rng) for rng in np.random.default_rng(7).spawn(8)]
CAREFUL = np.array([2.0, 0.3, 2.0, 0.1])
"""A price far too high: it takes the smallest size nearly always."""
STARTS = start_scorers(SERVICE, CAREFUL, 2, seed=0)


@pytest.fixture(scope="module")
def heard() -> list[Climbed]:
    return []


@pytest.fixture(scope="module")
def found(heard: list[Climbed]) -> Checkpoint:
    return search_scorer(STARTS[:1], DRAW, CHECKS, QUICK, seed=0, report=heard.append)


def unseen() -> list[Episode]:
    rng = np.random.default_rng(99)
    return [DRAW(rng) for _ in range(40)]


def test_a_vector_holds_all_that_is_searched_for() -> None:
    scorer = random_scorer()
    back = scorer_of(vector_of(scorer), scorer)
    for name, value in scorer._asdict().items():
        np.testing.assert_allclose(getattr(back, name), value)
    assert vector_of(scorer).size == sum(value.size for value in scorer[:-2])


def test_the_search_starts_as_price() -> None:
    start, *_ = start_scorers(SERVICE, DEFAULT_PRICE, 4, seed=0)
    assert not start.outer.any()
    assert start.inner.all()
    rng = np.random.default_rng(0)
    episodes = [DRAW(rng) for _ in range(10)]
    learned, price = build_plan(Kind.LEARNED, network=start), build_plan(Kind.PRICE)
    assert mean_worth(episodes, learned) == pytest.approx(mean_worth(episodes, price), abs=0.02)


def test_a_short_search_beats_its_start(found: Checkpoint, heard: list[Climbed]) -> None:
    start, best = (build_plan(Kind.LEARNED, network=scorer) for scorer in (STARTS[0], found.scorer))
    assert mean_worth(unseen(), best) > mean_worth(unseen(), start) + 0.02
    assert [one.round for one in heard] == [1, 2, 3, 4, 5, 6]
    assert found.worth == max(one.value for one in heard)


def test_the_range_is_that_of_what_was_seen(found: Checkpoint) -> None:
    assert np.isfinite(found.scorer.low).all()
    assert (found.scorer.low <= found.scorer.high).all()
    assert found.scorer.high[0] < math.inf
    assert found.scorer.low[5] < found.scorer.high[5]


def test_one_seed_finds_the_same_scorer(found: Checkpoint) -> None:
    again = search_scorer(STARTS[:1], DRAW, CHECKS, QUICK, seed=0)
    other = search_scorer(STARTS[:1], DRAW, CHECKS, QUICK, seed=1)
    assert np.array_equal(vector_of(again.scorer), vector_of(found.scorer))
    assert not np.array_equal(vector_of(other.scorer), vector_of(found.scorer))


def test_it_sets_out_from_the_best_start(found: Checkpoint) -> None:
    brief = replace(QUICK, rounds=1)
    both = search_scorer(STARTS, DRAW, CHECKS, brief, seed=0)
    assert both.worth >= max(search_scorer([start], DRAW, CHECKS, brief, seed=0).worth for start in STARTS) - 0.01
    assert both.worth > search_scorer(STARTS[:1], DRAW, CHECKS, brief, seed=0).worth
    assert found.round > 0
