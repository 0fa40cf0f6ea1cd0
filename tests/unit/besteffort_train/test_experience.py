from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.decide import timely
from besteffort_core.dqn import observe
from besteffort_core.latency import candidates
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import request_of, simulate, snapshot_of
from besteffort_train.episodes import Episode
from besteffort_train.experience import Replay, Transitions, play, seen
from besteffort_train.hyper import Hyper
from support.worlds import pool_of, workload_of, world_of

ALL = Hyper(discount=0.5, span=2, explored=1.0, taken=10_000)
"""Every decision is random."""


def transitions(numbers: list[float]) -> Transitions:
    column = np.array(numbers, np.float32)
    rows = np.stack([column, -column], axis=1)
    return Transitions(rows, column.astype(np.int64), column, column, rows, np.ones(rows.shape, np.bool_))


def episode(arrival_s: list[float], deadline_s: float = 1.0) -> Episode:
    """Two sizes, of 0.1 s and 0.4 s, worth 1/3 and 2/3."""
    pool = pool_of({1: 0.1}, {1: 0.4})
    return Episode(pool, world_of(pool), workload_of(arrival_s, deadline_s))


def played(arrival_s: list[float], hyper: Hyper = ALL, seed: int = 0) -> Transitions:
    return play(episode(arrival_s), build_plan(Kind.STATIC, np.array([1.0])), hyper, np.random.default_rng(seed))


def test_the_store_keeps_the_last_and_the_range_of_all() -> None:
    replay = Replay(3, 2, 2)
    replay.add(transitions([9.0, 1.0]))
    replay.add(transitions([2.0, 3.0]))
    assert sorted(replay.kept.gain.tolist()) == [1.0, 2.0, 3.0]
    assert (replay.low.tolist(), replay.high.tolist()) == ([1.0, -9.0], [9.0, -1.0])
    assert (replay.size, replay.added) == (3, 4)


def test_adding_nothing_changes_nothing() -> None:
    replay = Replay(3, 2, 2)
    replay.add(transitions([]))
    assert (replay.size, replay.low.tolist()) == (0, [np.inf, np.inf])


def test_a_reward_is_what_the_best_size_would_have_earned_short() -> None:
    """Far apart, all are answered: the small size earns 1/3 less than the best, and the next decision counts half."""
    found = played([100.0 * k for k in range(30)])
    assert set(found.action) == {0, 1}
    short = np.where(found.action == 1, 0.0, -1 / 3)
    assert found.gain[:-1] == pytest.approx(short[:-1] + 0.5 * short[1:], abs=1e-6)
    assert found.discount == pytest.approx(0.25)


def test_an_answer_that_is_late_is_short_of_everything() -> None:
    """Ten at once for one size of 0.4 s, of which two are done in a second: the others are refused."""
    found = played([0.0] * 10 + [50.0, 60.0], Hyper(span=1, explored=0.0))
    assert found.gain[:10] == pytest.approx([0.0, 0.0, *[-2 / 3] * 8])


def test_so_many_transitions_are_taken_at_most_and_the_cut_off_are_left_out() -> None:
    arrivals = [10.0 * k for k in range(50)]
    assert played(arrivals).action.size == 48
    assert played(arrivals, Hyper(span=2, taken=7)).action.size == 7
    assert played(arrivals[:2]).action.size == 0


def test_states_and_offers_are_those_of_the_core() -> None:
    where = episode([0.05 * k for k in range(200)], deadline_s=0.8)
    log = simulate(*where, build_plan(Kind.PRICE), trail=True)
    rows = np.arange(0, 200, 7)
    states, offered = seen(*where, log, rows)
    for row, k in enumerate(rows.tolist()):
        snapshot = snapshot_of(log, where.world, k)
        request = request_of(where.workload, k, snapshot)
        assert np.array_equal(states[row], observe(request, where.pool, snapshot))
        left = timely(request, where.pool, candidates(request, where.pool, snapshot)).backend >= 0
        assert np.array_equal(offered[row], left)
    assert not offered.all()


def test_random_decisions_are_their_share() -> None:
    found = played([10.0 * k for k in range(4000)], Hyper(span=1, explored=0.2, taken=10_000))
    assert np.mean(found.action == 0) == pytest.approx(0.1, abs=0.02)


def test_one_seed_plays_one_way() -> None:
    arrivals = [0.2 * k for k in range(300)]
    first, again, other = (played(arrivals, seed=seed) for seed in (1, 1, 2))
    for name in Transitions._fields:
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.action, other.action)
