from __future__ import annotations

import numpy as np
import pytest

from besteffort_train.episodes import Episode, Spread, capacity_rps, draw_episode
from support.learning import small_service

SERVICE, SPREAD = small_service(), Spread(requests=256)


def drawn(count: int = 200) -> list[Episode]:
    rng = np.random.default_rng(0)
    return [draw_episode(SERVICE, SPREAD, rng) for _ in range(count)]


EPISODES = drawn()


def test_the_capacity_of_a_size_is_its_largest_batch_over_the_seconds_it_takes() -> None:
    assert [capacity_rps(SERVICE.pool, size) for size in range(3)] == pytest.approx([2000.0, 200.0, 40.0])


def test_the_router_knows_how_slow_a_machine_is_but_not_the_surprise() -> None:
    profiled = SERVICE.pool.batch_s[:, 1]
    known = np.array([pool.batch_s[:, 1] / profiled for pool, _, _ in EPISODES])
    unknown = np.array([world.slowness for _, world, _ in EPISODES])
    assert 0.6 * 0.8 <= known.min() < 0.6
    assert 2.0 < known.max() <= 2.0 * 1.25
    assert 0.7 * 0.8 <= unknown.min() < 0.7
    assert 1.5 < unknown.max() <= 1.5 * 1.25


def test_about_half_of_the_episodes_have_deadlines_around_the_default() -> None:
    deadlines = [load.deadline_s for _, _, load in EPISODES]
    varied = [one for one in deadlines if np.ptp(one) > 0]
    assert 0.4 < len(varied) / len(deadlines) < 0.6
    assert all((one == 0.4).all() for one in deadlines if np.ptp(one) == 0)
    assert 0.6 * 0.4 <= min(one.min() for one in varied) < max(one.max() for one in varied) <= 1.6 * 0.4


def test_one_size_at_most_is_not_ready_and_that_rarely() -> None:
    absent = np.array([(~world.ready).sum() for _, world, _ in EPISODES])
    assert set(absent) == {0, 1}
    assert 0.08 < absent.mean() < 0.22


def test_rates_reach_from_below_the_slowest_size_to_above_the_fastest() -> None:
    rates_rps = [load.arrival_s.size / load.arrival_s[-1] for _, _, load in EPISODES]
    assert min(rates_rps) < 40.0
    assert max(rates_rps) > 1000.0


def test_one_seed_makes_one_episode() -> None:
    first, again = (draw_episode(SERVICE, SPREAD, np.random.default_rng(5)) for _ in range(2))
    other = draw_episode(SERVICE, SPREAD, np.random.default_rng(6))
    assert all(np.array_equal(a, b) for a, b in zip(first.workload, again.workload, strict=True))
    assert not np.array_equal(first.workload.arrival_s, other.workload.arrival_s)
