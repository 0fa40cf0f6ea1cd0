from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from besteffort_core.latency import candidates
from besteffort_core.model import Candidates, Pool, Request, Snapshot
from besteffort_study.pools import build_study_pool
from besteffort_study.profiles import gpu_profile
from besteffort_study.rules.chance import drawn
from besteffort_study.rules.knowing import RATES, buckets_of, state_of, states_of
from besteffort_study.rules.plan import (
    EXPIRY,
    LMETRIC,
    ROUTE_BALANCE,
    SLACK_FIT,
    TABULAR,
    TWO_CHOICES,
    UNIFORM,
    build_rule_plan,
)
from besteffort_study.rules.slack import slack_table
from besteffort_study.rules.switch import choose_ruled, offer_ruled, route_any
from besteffort_study.rules.values import groups_of
from besteffort_study.scenarios import scenario

POOL = build_study_pool(gpu_profile("a100_roofline"), "co", scenario("SC"))
SMALL, MEDIUM, LARGE = range(3)
REQUEST = Request(0, 0.1, 150, 0.0)


def seen(units: int = 0, *, backends: tuple[int, ...] = (), sequence: int = 0, pool: Pool = POOL) -> Snapshot:
    """Return a pool in which some backends, or else all of the large size, have so many units in flight."""
    count, devices = pool.size_of.size, pool.hosted.shape[0]
    waiting = np.zeros(count, dtype=np.int64)
    waiting[list(backends) or np.flatnonzero(pool.size_of == LARGE)] = units
    nothing, ready = np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_)
    requests = np.ceil(waiting / 150).astype(np.int64)
    progress_s, leans_s = np.zeros(devices), np.zeros(count)
    corrections = (np.ones(count), 1.0)
    return Snapshot(requests, waiting, nothing, nothing, progress_s, *corrections, leans_s, ready, 250.0, sequence)


def chosen(rule: int, snapshot: Snapshot, *numbers: float, **more: Any) -> int:
    plan = build_rule_plan(rule, np.array(numbers), **more)
    found = candidates(REQUEST, POOL, snapshot)
    return choose_ruled(REQUEST, offer_ruled(REQUEST, POOL, found, plan), POOL, snapshot, plan)


def size_of(backend: int) -> int:
    return int(POOL.size_of[backend])


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [(TWO_CHOICES, (1.0, 0.1)), (LMETRIC, (1.0, 0.1)), (ROUTE_BALANCE, (-2.5, -1.0, -2.0)), (SLACK_FIT, (1.0, 0.1))],
)
def test_a_rule_takes_the_largest_size_when_idle_and_a_smaller_one_when_busy(rule: int, numbers: tuple[float]) -> None:
    more = {"table": slack_table(POOL, 0.1)} if rule == SLACK_FIT else {}
    assert size_of(chosen(rule, seen(), *numbers, **more)) == LARGE
    busy = chosen(rule, seen(900), *numbers, **more)
    assert busy >= 0
    assert size_of(busy) < LARGE


@pytest.mark.parametrize("rule", [UNIFORM, TWO_CHOICES, LMETRIC, ROUTE_BALANCE])
def test_what_no_backend_can_answer_in_time_is_refused(rule: int) -> None:
    assert chosen(rule, seen(4000), 1.0, 0.0, 0.0) == -1


def test_expiry_refuses_nothing() -> None:
    backend = chosen(EXPIRY, seen(4000), float(LARGE))
    assert size_of(backend) == LARGE
    assert route_any(REQUEST, POOL, candidates(REQUEST, POOL, seen(4000)), backend)[1] == backend


def test_chance_spreads_evenly_and_is_the_same_again() -> None:
    places = [chosen(UNIFORM, seen(sequence=k)) for k in range(1200)]
    assert places == [chosen(UNIFORM, seen(sequence=k)) for k in range(1200)]
    counts = np.bincount(places, minlength=POOL.size_of.size)
    assert counts.min() > 60
    assert counts.max() < 145


def test_draws_for_two_purposes_have_nothing_to_do_with_one_another() -> None:
    one, other = (np.array([drawn(k, purpose) for k in range(5000)]) for purpose in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.05
    assert one.min() >= 0.0
    assert one.max() < 1.0


def test_of_two_choices_both_are_looked_at() -> None:
    idle = 7
    others = [j for j in range(12) if POOL.device_of[j] != POOL.device_of[idle] and POOL.size_of[j] == LARGE]
    found = [chosen(TWO_CHOICES, seen(900, backends=tuple(others), sequence=k), 1.0, 0.0) for k in range(400)]
    share = np.mean([POOL.device_of[j] == POOL.device_of[idle] for j in found])
    assert 0.4 < share < 0.6


def test_equal_replicas_are_told_apart_by_work_times_requests() -> None:
    assert POOL.device_of[chosen(LMETRIC, seen(150, backends=(2, 5, 8)), 1.0, 0.0)] == 3


def state(snapshot: Snapshot, pool: Pool = POOL, task: int = 0) -> int:
    plan = build_rule_plan(TABULAR, np.zeros(2), groups=groups_of(pool))
    request = REQUEST._replace(task=task)
    return state_of(request, candidates(request, pool, snapshot), pool, snapshot, plan)


def test_a_state_tells_backlog_rate_and_task_apart() -> None:
    states = {state(seen()), state(seen(600)), state(seen(), task=1), state(seen()._replace(rate_rps=2000.0))}
    assert len(states) == 4
    assert max(states) < states_of(1, POOL.quality.shape[0])


def test_a_split_pool_has_a_backlog_for_each_kind_of_device() -> None:
    split = build_study_pool(gpu_profile("a100_roofline"), "ded", scenario("SC"))
    assert groups_of(split).max() == 2
    assert groups_of(POOL).tolist() == [0, 0, 0, 0]
    states = {state(seen(6000, backends=(j,), pool=split), split) for j in (2, 3)} | {state(seen(pool=split), split)}
    assert len(states) == 3
    assert max(states) < states_of(3, split.quality.shape[0]) == buckets_of(3) ** 3 * RATES * split.quality.shape[0]


def test_values_decide_and_are_noted_where_asked() -> None:
    table = np.zeros((states_of(1, POOL.quality.shape[0]), 3))
    table[:, MEDIUM] = 1.0
    plan = build_rule_plan(TABULAR, np.zeros(2), table, groups=groups_of(POOL), recorded=2)
    found = candidates(REQUEST, POOL, seen(sequence=1))
    assert size_of(choose_ruled(REQUEST, found, POOL, seen(sequence=1), plan)) == MEDIUM
    assert plan.tried.tolist() == [-1, MEDIUM]
    assert plan.states.tolist() == [-1, state(seen())]


def test_slack_fits_the_largest_size_only_where_there_is_room_for_it() -> None:
    sizes = slack_table(POOL, 0.1)[:, 0].astype(int)
    assert sizes[0] == SMALL
    assert sizes[-1] == LARGE
    assert (np.diff(sizes) >= 0).all()


def test_slack_of_a_generation_is_read_from_the_seconds_between_tokens() -> None:
    pool = build_study_pool(gpu_profile("a100_roofline"), "co", scenario("GE"))
    sizes = slack_table(pool, 1.5)[:, 0].astype(int)
    assert sizes[0] == SMALL
    assert sizes[-1] == LARGE


def test_what_is_offered_keeps_what_is_late_from_all_but_expiry() -> None:
    found: Candidates = candidates(REQUEST, POOL, seen(4000, backends=(2,)))
    assert offer_ruled(REQUEST, POOL, found, build_rule_plan(EXPIRY)) is found
    assert offer_ruled(REQUEST, POOL, found, build_rule_plan(UNIFORM)).finish_s[2] == np.inf
