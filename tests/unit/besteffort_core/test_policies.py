from __future__ import annotations

import numpy as np
import pytest

from besteffort_core import policies
from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.policies import Choose
from support.pools import snapshot

SMALL, MEDIUM, LARGE = 0, 1, 2
REQUEST = Request(task=0, deadline_s=0.3)
GREEDY = np.array([1.0, 0.0])
LADDER = np.array([0.2, 0.5])
PRICE = np.array([-1.0, 0.5, 2.0, 0.1])


def chosen(rule: Choose, pool: Pool, seen: Snapshot, parameters: np.ndarray | None = None) -> int:
    return rule(REQUEST, candidates(REQUEST, pool, seen), pool, seen, np.empty(0) if parameters is None else parameters)


def test_static_is_its_size_or_none(pool: Pool, idle: Snapshot) -> None:
    assert chosen(policies.choose_static, pool, idle, np.array([1.0])) == MEDIUM
    assert chosen(policies.choose_static, pool, snapshot([0, 0, 0], ready=(True, False, True)), np.array([1.0])) == -1


def test_round_robin_takes_the_ready_sizes_in_turns(pool: Pool, idle: Snapshot) -> None:
    turns = [chosen(policies.choose_round_robin, pool, idle._replace(sequence=n)) for n in range(4)]
    assert turns == [SMALL, MEDIUM, LARGE, SMALL]
    without = snapshot([0, 0, 0], ready=(True, False, True))
    assert chosen(policies.choose_round_robin, pool, without._replace(sequence=1)) == LARGE


def test_least_loaded_counts_requests_and_prefers_quality_on_a_tie(pool: Pool, idle: Snapshot) -> None:
    assert chosen(policies.choose_least_loaded, pool, idle) == LARGE
    assert chosen(policies.choose_least_loaded, pool, snapshot([2, 1, 3])) == MEDIUM


@pytest.mark.parametrize(("large_in_flight", "size"), [(0, LARGE), (7, LARGE), (16, MEDIUM)])
def test_greedy_takes_the_best_size_predicted_in_time(pool: Pool, large_in_flight: int, size: int) -> None:
    assert chosen(policies.choose_greedy, pool, snapshot([0, 0, large_in_flight]), GREEDY) == size


def test_greedy_takes_the_earliest_when_none_is_in_time(pool: Pool) -> None:
    late = snapshot([4000, 400, 40])
    found = candidates(REQUEST, pool, late)
    assert chosen(policies.choose_greedy, pool, late, GREEDY) == int(np.argmin(found.finish_s))


@pytest.mark.parametrize(("scale", "margin", "size"), [(1.0, 0.0, LARGE), (1.3, 0.0, MEDIUM), (1.0, 0.4, MEDIUM)])
def test_greedy_is_more_careful_with_a_greater_scale_or_margin(
    pool: Pool, scale: float, margin: float, size: int
) -> None:
    """The large size is predicted to take 0.25 s of the 0.3 s."""
    assert chosen(policies.choose_greedy, pool, snapshot([0, 0, 8]), np.array([scale, margin])) == size


def test_a_rule_chooses_the_replica_that_is_done_first(pool: Pool) -> None:
    """The backends are one small and two large ones, each on a device of its own."""
    devices = np.arange(3)
    two = pool._replace(size_of=np.array([0, 2, 2]), device_of=devices, hosted=devices.reshape(-1, 1))
    seen = snapshot([0, 5, 1])
    assert chosen(policies.choose_static, two, seen, np.array([2.0])) == 2
    assert chosen(policies.choose_least_loaded, two, seen) == 0
    assert chosen(policies.choose_greedy, two, seen, GREEDY) == 2
    assert chosen(policies.choose_ladder, two, seen, LADDER) == 2
    assert chosen(policies.choose_price, two, seen, PRICE) == 2


@pytest.mark.parametrize(("large_in_flight", "size"), [(0, LARGE), (2, MEDIUM), (16, SMALL)])
def test_the_ladder_steps_down_as_the_backlog_grows(pool: Pool, large_in_flight: int, size: int) -> None:
    assert chosen(policies.choose_ladder, pool, snapshot([0, 0, large_in_flight]), LADDER) == size


def test_the_ladder_skips_a_size_that_is_not_ready(pool: Pool) -> None:
    assert chosen(policies.choose_ladder, pool, snapshot([0, 0, 0], ready=(True, True, False)), LADDER) == MEDIUM


def test_the_price_rises_with_backlog_and_rate_so_the_choice_gets_cheaper(pool: Pool, idle: Snapshot) -> None:
    sizes = [chosen(policies.choose_price, pool, snapshot([0, 0, n]), PRICE) for n in (0, 4, 8, 16, 32)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (LARGE, SMALL)
    rates = [chosen(policies.choose_price, pool, idle._replace(rate_rps=r), PRICE) for r in (1.0, 100.0, 10_000.0)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] != rates[-1]


def test_a_soft_deadline_lets_the_price_accept_a_later_answer(pool: Pool) -> None:
    busy = snapshot([0, 0, 10])
    cheap = np.array([-6.0, 0.0, 0.0, 0.1])
    assert chosen(policies.choose_price, pool, busy, cheap) == MEDIUM
    assert chosen(policies.choose_price, pool._replace(grace_factor=3.0), busy, cheap) == LARGE


@pytest.mark.parametrize(
    "rule",
    [
        policies.choose_round_robin,
        policies.choose_least_loaded,
        policies.choose_greedy,
        policies.choose_ladder,
        policies.choose_price,
    ],
)
def test_with_nothing_ready_no_rule_chooses(rule: Choose, pool: Pool) -> None:
    assert chosen(rule, pool, snapshot([0, 0, 0], ready=(False, False, False)), PRICE) == -1
