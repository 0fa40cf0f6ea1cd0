from __future__ import annotations

import numpy as np
import pytest
import torch

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_train.episodes import Episode
from besteffort_train.experience import Replay, Transitions, play, worth
from besteffort_train.hyper import Hyper
from support.worlds import pool_of, workload_of, world_of

DEADLINE_S, HORIZON_S = 1.0, 2.0
EAGER = Hyper(horizon=HORIZON_S, span=2.0, random_per_deadline=1e9, random_share=1.0)
"""All decisions are random."""


def transitions(values: list[float]) -> Transitions:
    numbers = np.array(values, np.float32)
    rows = np.stack([numbers, -numbers], axis=1)
    return Transitions(rows, numbers.astype(np.int64), numbers, numbers, rows)


def played(arrival_s: list[float], hyper: Hyper = EAGER, seed: int = 0) -> tuple[Episode, Transitions]:
    """Two sizes, of 0.1 s and 0.4 s, worth 1/3 and 2/3; the policy that plays always takes the second."""
    pool = pool_of({1: 0.1}, {1: 0.4})
    episode = Episode(pool, world_of(pool), workload_of(arrival_s, DEADLINE_S))
    plan = build_plan(Kind.STATIC, np.array([1.0]))
    return episode, play(episode, plan, hyper, DEADLINE_S, np.random.default_rng(seed))


def test_the_store_keeps_the_last_and_the_range_of_all() -> None:
    replay = Replay(3, 2)
    replay.add(transitions([9.0, 1.0]))
    replay.add(transitions([2.0, 3.0]))
    assert sorted(replay.gain.tolist()) == [1.0, 2.0, 3.0]
    assert (replay.low.tolist(), replay.high.tolist()) == ([1.0, -9.0], [9.0, -1.0])


def test_a_sample_holds_rows_that_belong_together_and_were_added() -> None:
    replay = Replay(10, 2)
    replay.add(transitions([4.0, 5.0]))
    observation, action, gain, discount, following = replay.sample(50, torch.Generator().manual_seed(0))
    assert set(gain.tolist()) == {4.0, 5.0}
    assert (observation[:, 0] == gain).all()
    assert (action == gain).all()
    assert (discount == gain).all()
    assert (following[:, 1] == -gain).all()


def test_adding_nothing_changes_nothing() -> None:
    replay = Replay(3, 2)
    replay.add(transitions([]))
    assert (replay.added, replay.low.tolist()) == (0, [np.inf, np.inf])


def test_far_apart_the_gain_is_the_own_reward_less_that_of_the_reference() -> None:
    """The own reward is not discounted; that of the reference run is, by its 0.4 s."""
    _, found = played([100.0 * k for k in range(30)])
    assert set(found.action) == {0, 1}
    reference = 2 / 3 * np.exp(-0.4 / HORIZON_S)
    wanted = np.where(found.action == 1, 2 / 3, 1 / 3) - reference
    assert found.gain == pytest.approx(wanted, abs=1e-6)
    assert found.discount == pytest.approx(0.0, abs=1e-12)


def test_harm_to_the_next_request_is_charged_to_the_decision() -> None:
    """In pairs 0.3 s apart: only after a first in the slow size does the second wait, 0.1 s more than alone."""
    _, found = played([10.0 * (k // 2) + 0.3 * (k % 2) for k in range(400)])
    pairs = found.gain[:398].reshape(-1, 2), found.action[:398].reshape(-1, 2)
    gain_of_first, actions = pairs[0][:, 0], pairs[1]
    following_slow = actions[:, 1] == 1
    fast, slow = (gain_of_first[following_slow & (actions[:, 0] == size)].mean() for size in (0, 1))
    waiting_s = np.exp(-0.7 / HORIZON_S) - np.exp(-0.8 / HORIZON_S)
    assert slow - fast == pytest.approx(1 / 3 - 2 / 3 * waiting_s, abs=1e-3)


def test_the_value_after_the_span_counts_by_the_time_that_has_passed() -> None:
    _, found = played([1.5 * k for k in range(40)])
    assert found.discount == pytest.approx(np.exp(-3.0 / HORIZON_S), abs=1e-6)
    assert len(found.gain) == 38


def test_what_is_earned_after_the_span_is_left_to_the_value_that_follows() -> None:
    """Every 1.5 s one request, none disturbs another: the span ends 3 s later, so only the next one counts too."""
    _, found = played([1.5 * k for k in range(40)])
    worth, latency_s = np.array([1 / 3, 2 / 3])[found.action], np.array([0.1, 0.4])[found.action]
    reference = 2 / 3 * np.exp(-0.4 / HORIZON_S)
    following = np.exp(-1.5 / HORIZON_S) * (worth * np.exp(-latency_s / HORIZON_S) - reference)
    assert found.gain[:-1] == pytest.approx((worth - reference)[:-1] + following[1:], abs=1e-6)


def test_random_decisions_are_so_many_in_a_deadline_and_never_more_than_their_share() -> None:
    sparse = Hyper(random_per_deadline=3.0, random_share=0.2)
    arrivals = [0.005 * k for k in range(20_000)]
    _, busy = played(arrivals, sparse)
    assert busy.gain.size / 100.0 == pytest.approx(3.0, rel=0.25)
    _, calm = played([10.0 * k for k in range(2000)], sparse)
    assert calm.gain.size / 2000 == pytest.approx(0.2, rel=0.2)


def test_one_seed_plays_one_way() -> None:
    arrivals = [0.2 * k for k in range(300)]
    first, again, other = (played(arrivals, seed=seed)[1] for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.action, other.action)


def test_a_request_that_is_refused_or_late_costs_from_its_deadline_on() -> None:
    pool = pool_of({1: 0.6})
    load = workload_of([0.0, 0.0, 5.0], 1.0)
    log = simulate(pool, world_of(pool), load, build_plan(Kind.STATIC, np.array([0.0])))
    at_s, values = worth(load, log, 0.2)
    assert at_s == pytest.approx([0.6, 1.0, 5.6])
    assert values == pytest.approx([0.5, -0.2, 0.5])
