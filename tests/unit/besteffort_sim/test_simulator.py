from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from besteffort_core.model import Candidates, Pool, Request, Snapshot
from besteffort_core.policy import NETWORKS, Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.errors import SimulationError
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, NOT_READY, QUEUE_FULL
from besteffort_sim.simulator import run, simulate
from besteffort_sim.workload import Poisson, build_workload, draw_arrivals
from support.bundles import random_bundle, random_dqn
from support.pools import TASKS, three_sizes
from support.worlds import pool_of, workload_of, world_of

if TYPE_CHECKING:
    from besteffort_sim.model import Plan, Workload


def always(size: int = 0) -> Plan:
    return build_plan(Kind.STATIC, np.array([float(size)]))


def forced(sizes: list[int]) -> Plan:
    return always()._replace(forced=np.array(sizes))


def noisy(requests: int, rate_rps: float, seed: int = 0) -> Workload:
    rng = np.random.default_rng(seed)
    arrival_s = draw_arrivals(Poisson(rate_rps), requests, rng)
    return build_workload(arrival_s, len(TASKS) + 1, 0.4, rng)


def test_one_request_takes_its_batch_and_the_way_there() -> None:
    pool = pool_of({1: 0.25})
    log = simulate(pool, world_of(pool, overhead_s=0.125), workload_of([1.0]), always())
    assert log.latency_s[0] == 0.375
    assert log.outcome[0] == ANSWERED
    assert log.reward[0] == 0.5


def test_waiting_in_a_queue_with_constant_service_is_that_of_the_formula() -> None:
    """M/D/1: mean wait = load x service / (2 (1 - load))."""
    pool, load, service_s = pool_of({1: 0.01}), 0.8, 0.01
    rng = np.random.default_rng(0)
    arrival_s = np.cumsum(rng.exponential(service_s / load, 400_000))
    log = simulate(pool, world_of(pool), workload_of(arrival_s.tolist(), 100.0), always())
    wait_s = float(log.latency_s.mean()) - service_s
    assert wait_s == pytest.approx(load * service_s / (2 * (1 - load)), rel=0.03)


def test_what_waits_when_a_batch_ends_goes_into_the_next_up_to_the_largest() -> None:
    pool = pool_of({1: 1.0, 2: 1.5})
    log = simulate(pool, world_of(pool), workload_of([0.0, 0.1, 0.2, 0.3], 100.0), always())
    ends_s = np.array([0.0, 0.1, 0.2, 0.3]) + log.latency_s
    assert ends_s == pytest.approx([1.0, 2.5, 2.5, 3.5])


def test_two_backends_of_one_device_share_it_equally() -> None:
    """2 s of work from 0 s on, 1 s from 0.5 s on: 1.5 s left at 0.5 s, the shorter ends at 2.5 s, the longer at 3 s."""
    pool = pool_of({1: 2.0}, {1: 1.0})
    log = simulate(pool, world_of(pool), workload_of([0.0, 0.5], 100.0), forced([0, 1]))
    assert log.latency_s == pytest.approx([3.0, 2.0])


def test_backends_of_different_devices_do_not_disturb_each_other() -> None:
    pool = pool_of({1: 2.0}, {1: 1.0}, devices=("a", "b"))
    log = simulate(pool, world_of(pool), workload_of([0.0, 0.5], 100.0), forced([0, 1]))
    assert log.latency_s == pytest.approx([2.0, 1.0])


def test_an_answer_at_its_very_deadline_is_in_time() -> None:
    pool = pool_of({1: 0.25})
    log = simulate(pool, world_of(pool, slowness=2.0), workload_of([0.0], 0.5), always())
    assert log.outcome[0] == ANSWERED
    assert log.reward[0] == 0.5


def test_room_that_a_request_leaves_is_seen_by_one_that_arrives_at_that_instant() -> None:
    pool = pool_of({1: 1.0})
    arrivals = workload_of([0.0, 1.0], 100.0)
    log = simulate(pool, world_of(pool, max_requests=1), arrivals, always(), trail=True)
    assert log.in_flight[:, 0].tolist() == [0, 0]
    assert log.outcome.tolist() == [ANSWERED, ANSWERED]


def test_a_request_that_expires_leaves_the_queue_and_is_not_started() -> None:
    """Batches take 8 s of the 2 s profiled: the second expires at 7.6 s, so the third is alone in the next batch."""
    pool = pool_of({1: 2.0, 2: 6.5})
    log = simulate(pool, world_of(pool, slowness=4.0), workload_of([0.0, 0.1, 0.2], [10.0, 7.5, 20.0]), always())
    assert log.outcome.tolist() == [ANSWERED, EXPIRED, ANSWERED]
    assert log.latency_s[2] == pytest.approx(8.0 + 8.0 - 0.2)


def test_a_batch_runs_to_its_end_though_its_requests_expired() -> None:
    pool = pool_of({1: 1.0})
    world = world_of(pool, slowness=3.0)
    log = simulate(pool, world, workload_of([0.0, 2.5], [2.0, 5.0]), always())
    assert log.outcome.tolist() == [EXPIRED, ANSWERED]
    assert log.latency_s[1] == pytest.approx(3.0 + 3.0 - 2.5)


def test_requests_in_flight_are_counted_until_they_are_answered_or_expire() -> None:
    pool = pool_of({1: 1.0})
    world = world_of(pool, slowness=10.0)
    log = simulate(pool, world, workload_of([0.0, 0.5, 1.9, 2.1], [2.0, 100.0, 100.0, 100.0]), always(), trail=True)
    assert log.in_flight[:, 0].tolist() == [0, 1, 2, 2]


def test_the_router_learns_from_late_answers_and_from_expiries_that_the_profile_is_wrong() -> None:
    pool = pool_of({1: 0.2})
    arrivals = workload_of(np.arange(0.0, 60.0, 0.8).tolist(), 0.5)
    late = simulate(pool, world_of(pool, slowness=2.0), arrivals, always(), trail=True)
    assert late.correction[-1, 0] == pytest.approx(2.0, rel=0.1)
    lost = simulate(pool, world_of(pool, slowness=3.0), arrivals, always(), trail=True)
    assert lost.correction[5, 0] > 1.3


def test_hopeless_full_and_not_ready_are_told_apart() -> None:
    pool = pool_of({1: 1.0})
    burst = workload_of([0.0, 0.0, 0.0, 0.0], 2.0)
    assert simulate(pool, world_of(pool), burst, always()).outcome.tolist()[2:] == [HOPELESS, HOPELESS]
    assert simulate(pool, world_of(pool, max_requests=1), burst, always()).outcome.tolist()[1:] == [QUEUE_FULL] * 3
    absent = world_of(pool)._replace(ready=np.array([False]))
    assert simulate(pool, absent, burst, always()).outcome.tolist() == [NOT_READY] * 4


def test_a_forced_size_is_taken_only_where_it_is_ready() -> None:
    pool = three_sizes()
    world = world_of(pool)._replace(ready=np.array([True, False, True]))
    plan = build_plan(Kind.GREEDY)._replace(forced=np.array([0, 1, -1]))
    log = simulate(pool, world, workload_of([0.0, 5.0, 10.0]), plan)
    assert log.size.tolist() == [0, 2, 2]


def plans() -> list[Plan]:
    bundle = random_bundle()
    learned = build_plan(Kind.LEARNED, network=bundle.network)
    narrow = bundle.network._replace(high=np.full_like(bundle.network.high, 1.0))
    guarded = build_plan(Kind.LEARNED, network=narrow)
    dqn, small = random_dqn(), np.full(random_dqn().high.shape, 1.0, np.float32)
    networks = [learned, guarded, build_plan(Kind.DQN, None, dqn), build_plan(Kind.DQN, None, dqn._replace(high=small))]
    return [*networks, always(1), *(build_plan(kind) for kind in sorted(set(Kind) - {*NETWORKS, Kind.STATIC}))]


@pytest.mark.parametrize("plan", plans(), ids=lambda plan: str(plan.kind))
def test_compiled_and_interpreted_say_the_same(plan: Plan) -> None:
    pool, workload = three_sizes(), noisy(300, 120.0)
    world = world_of(pool, overhead_s=0.001, slowness=1.3)
    compiled, interpreted = (
        simulate(pool, world, workload, plan, trail=True),
        run(pool, world, workload, plan, trail=True),
    )
    for fast, slow in zip(compiled, interpreted, strict=True):
        assert np.array_equal(fast, slow)


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    pool = three_sizes()
    world, plan = world_of(pool), build_plan(Kind.PRICE)
    first, again, other = (simulate(pool, world, noisy(2000, 300.0, seed), plan) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.latency_s, other.latency_s)


def own_size(_request: Request, _candidates: Candidates, _pool: Pool, _snapshot: Snapshot, parameters: Any) -> int:
    return first_of(parameters)


def first_of(parameters: Any) -> int:
    return int(parameters[0])


def uncompilable(_request: Request, _candidates: Candidates, _pool: Pool, _snapshot: Snapshot, _none: Any) -> int:
    return open("size")  # type: ignore[return-value]  # noqa: PTH123


def test_an_own_rule_decides_in_place_of_the_policy_with_the_function_it_calls() -> None:
    pool, load = three_sizes(), noisy(1000, 100.0)
    world = world_of(pool)
    own = simulate(pool, world, load, np.array([1.0]), rule=own_size)
    static = simulate(pool, world, load, always(1))
    assert all(np.array_equal(a, b) for a, b in zip(own, static, strict=True))
    assert not np.array_equal(static.latency_s, simulate(pool, world, load, always(0)).latency_s)


@pytest.mark.parametrize("parameters", [np.array([3.0]), np.empty(0)])
def test_an_index_that_is_not_there_is_refused_and_names_the_rule(parameters: np.ndarray) -> None:
    pool = three_sizes()
    with pytest.raises(SimulationError, match=r"^rule own_size: it takes or returns an index that is not there$"):
        simulate(pool, world_of(pool), noisy(10, 100.0), parameters, rule=own_size)


def test_a_rule_that_numba_cannot_compile_is_refused_and_named() -> None:
    pool = three_sizes()
    with pytest.raises(SimulationError, match=r"^rule uncompilable: numba cannot compile it"):
        simulate(pool, world_of(pool), noisy(10, 100.0), np.empty(0), rule=uncompilable)
