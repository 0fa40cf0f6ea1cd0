from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_sim.workload import Poisson
from besteffort_train.baselines import build_plans
from besteffort_train.evaluation import Row, build_workloads, compare, interval, named_traffic
from support.learning import small_service

SERVICE = small_service()


def test_an_interval_is_students() -> None:
    """Mean 3, standard deviation sqrt(2.5), 5 values: half width 2.7764 x sqrt(2.5 / 5)."""
    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.half == pytest.approx(2.7764 * math.sqrt(0.5), rel=1e-4)


def test_a_single_value_has_no_bounds() -> None:
    assert interval([0.25]).half == math.inf


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    draws = np.random.default_rng(0).normal(0.3, 2.0, (2000, 6))
    held = [abs(found.mean - 0.3) <= found.half for found in map(interval, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_the_loads_lie_between_a_lull_of_the_slowest_size_and_more_than_the_fastest_can_do() -> None:
    traffic = named_traffic(SERVICE)
    assert list(traffic) == ["lull", "steady", "bursts", "waves", "overload"]
    assert traffic["lull"] == Poisson(pytest.approx(0.6 * 40.0))
    assert traffic["steady"] == Poisson(pytest.approx(0.7 * 200.0))
    assert traffic["overload"].high_rps == pytest.approx(1.2 * 2000.0)


def test_a_workload_lasts_about_a_minute_and_each_seed_draws_its_own() -> None:
    loads = build_workloads(SERVICE, named_traffic(SERVICE)["steady"], 5, seed=3)
    assert [load.arrival_s[-1] for load in loads] == pytest.approx([60.0] * 5, rel=0.1)
    assert len({float(load.arrival_s[0]) for load in loads}) == 5
    again = build_workloads(SERVICE, named_traffic(SERVICE)["steady"], 5, seed=3)
    assert all(np.array_equal(a.task, b.task) for a, b in zip(loads, again, strict=True))
    assert set(loads[0].deadline_s) == {SERVICE.deadline_s}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    loads = build_workloads(SERVICE, named_traffic(SERVICE)["bursts"], 6)
    return compare(SERVICE, build_plans(SERVICE.sizes, None), loads, against="Price")


def test_the_best_policy_comes_first_and_a_static_large_drowns_in_bursts(rows: list[Row]) -> None:
    rewards = [row.reward.mean for row in rows]
    assert rewards == sorted(rewards, reverse=True)
    assert len(rows) == len(build_plans(SERVICE.sizes, None))
    named = {row.policy: row for row in rows}
    assert named["Static large"].reward.mean < named["Price"].reward.mean
    assert named["Static large"].in_time < 0.5 < named["Static small"].in_time


def test_differences_are_paired_seed_by_seed(rows: list[Row]) -> None:
    named = {row.policy: row for row in rows}
    assert (named["Price"].ahead.mean, named["Price"].ahead.half) == (0.0, 0.0)
    greedy = named["Greedy"]
    assert greedy.ahead.mean == pytest.approx(greedy.reward.mean - named["Price"].reward.mean)
    assert greedy.ahead.half < greedy.reward.half


def test_shares_and_quality_are_of_those_answered(rows: list[Row]) -> None:
    medium = next(row for row in rows if row.policy == "Static medium")
    assert medium.shares == (0.0, 1.0, 0.0)
    assert medium.quality == pytest.approx(0.6)
    assert medium.reward.mean == pytest.approx(0.6 * medium.in_time, rel=1e-3)


def test_a_slower_truth_than_the_profile_costs_reward(rows: list[Row]) -> None:
    loads = build_workloads(SERVICE, named_traffic(SERVICE)["bursts"], 6)
    slow = compare(SERVICE, build_plans(SERVICE.sizes, None), loads, against="Price", slowness=2.0)
    before, after = ({row.policy: row.reward.mean for row in one} for one in (rows, slow))
    assert all(after[policy] < before[policy] for policy in ("Price", "Greedy", "Static medium", "Static large"))
    assert after["Static small"] == before["Static small"]
