"""Several routers in one simulation, each with its own view."""

from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_core.pool import BackendSpec, Generation, SizeSpec, build_pool
from besteffort_sim.choice import build_plan
from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, Log
from besteffort_sim.simulator import simulate
from support.pools import gpus
from support.worlds import pool_of, workload_of, world_of


def played(routers: int, scrape_s: float = 1.0) -> tuple[Log, np.ndarray]:
    """200 requests a second for 6 s on two servers."""
    pool = pool_of({1: 0.01}, {1: 0.02, 64: 0.04}, devices=("a", "b"))
    arrival_s = np.arange(0.0, 6.0, 0.005)
    at = np.random.default_rng(0).integers(0, routers, arrival_s.size)
    world = world_of(pool)._replace(routers=routers, scrape_s=scrape_s)
    workload = workload_of(arrival_s.tolist())._replace(router=at)
    log = simulate(pool, world, workload, build_plan(Kind.PRICE), trail=True)
    return log, arrival_s


def test_a_router_learns_from_what_ended_how_much_there_is_beside_its_own() -> None:
    log, arrival_s = played(4)
    assert log.rate_rps[arrival_s > 4.0].mean() == pytest.approx(200.0, rel=0.15)
    assert log.rate_rps[(arrival_s > 0.1) & (arrival_s < 0.2)].mean() < 50.0


def test_what_routers_take_to_be_in_flight_is_about_what_one_would_know() -> None:
    several, arrival_s = played(4)
    alone, _ = played(1)
    late = arrival_s > 4.0
    taken, known = several.in_flight[late].sum(axis=1).mean(), alone.in_flight[late].sum(axis=1).mean()
    assert taken == pytest.approx(known, rel=0.35)


def test_routers_that_never_look_know_nothing_of_each_other() -> None:
    log, arrival_s = played(4, scrape_s=100.0)
    assert log.rate_rps[arrival_s > 4.0].mean() == pytest.approx(50.0, rel=0.2)


def two_routers(second: float) -> tuple[Log, Log, np.ndarray]:
    """500 requests a second on two servers that can do 400 each; this part of them comes to the second router."""
    size = SizeSpec("size", 1.0, {}, {1: 0.01, 8: 0.02})
    pool = build_pool((), [size], [BackendSpec("size", "a"), BackendSpec("size", "b")])._replace(turns=True)
    arrival_s = np.arange(0.0, 20.0, 0.002)
    at = (np.random.default_rng(0).uniform(size=arrival_s.size) < second).astype(np.int64)
    workload, plan = workload_of(arrival_s.tolist(), 0.1), build_plan(Kind.PRICE)
    several = simulate(pool, world_of(pool)._replace(routers=2), workload._replace(router=at), plan, trail=True)
    return several, simulate(pool, world_of(pool), workload, plan), at


def test_each_router_finds_a_server_of_its_own() -> None:
    several, alone, at = two_routers(second=0.5)
    late = np.arange(at.size) > at.size // 4
    homes = [np.median(several.progress_s[late & (at == me)].argmax(axis=1)) for me in range(2)]
    assert sorted(homes) == [0.0, 1.0]
    runs = [several.running[late & (at == me)].any(axis=0).tolist() for me in range(2)]
    assert sorted(runs) == [[False, True], [True, False]]
    assert several.reward[late].sum() > 0.95 * alone.reward[late].sum()


def test_of_generations_a_router_takes_what_the_last_look_said() -> None:
    pool = gpus(1, Generation(30.0, 100.0))
    arrival_s = np.arange(0.0, 10.0, 0.05)
    workload = workload_of(arrival_s.tolist(), 5.0)._replace(
        steps=np.full(arrival_s.size, 30.0), output=np.full(arrival_s.size, 30)
    )
    decoding = []
    for routers in (1, 2):
        world, at = world_of(pool)._replace(routers=routers), np.arange(arrival_s.size) % routers
        log = simulate(pool, world, workload._replace(router=at), build_plan(Kind.PRICE), trail=True)
        decoding.append(log.decoding[arrival_s > 3.0].sum(axis=1).mean())
        assert np.all(log.in_flight >= log.decoding)
    assert decoding[0] > 2.0
    assert decoding[1] == pytest.approx(decoding[0], rel=0.3)


def test_a_router_that_has_nearly_all_requests_uses_every_server() -> None:
    several, alone, _ = two_routers(second=0.05)
    assert several.reward.sum() > 0.95 * alone.reward.sum()


@pytest.mark.parametrize(("mean_steps", "shared"), [(0.0, True), (4.0, False)])
def test_sizes_in_turns_share_what_is_learned_of_latency_unless_they_generate(mean_steps: float, shared: bool) -> None:  # noqa: FBT001 - a case
    pool = pool_of({1: 0.01}, {1: 0.02})._replace(turns=True, mean_steps=mean_steps)
    world, workload = world_of(pool, slowness=2.0), workload_of(np.arange(0.0, 10.0, 0.05).tolist())
    log = simulate(pool, world, workload, build_plan(Kind.STATIC, np.array([0.0])), trail=True)
    assert log.correction[-1, 0] > 1.5
    assert bool(log.correction[-1, 1] == log.correction[-1, 0]) is shared


def test_a_router_alone_knows_what_runs_from_when_the_last_answer_came() -> None:
    """A batch takes 100 ms; the first request runs alone, the next two together once it is answered."""
    pool = pool_of({1: 0.1, 8: 0.1})._replace(turns=True)
    log = simulate(
        pool, world_of(pool), workload_of([0.1, 0.12, 0.14, 0.25]), build_plan(Kind.STATIC, np.zeros(1)), trail=True
    )
    assert log.in_flight[:, 0].tolist() == [0, 1, 2, 2]
    assert log.running[:, 0].tolist() == [0, 1, 1, 2]
    assert log.latency_s == pytest.approx([0.1, 0.18, 0.16, 0.15])


def test_the_oldest_request_says_which_size_runs_next() -> None:
    """Of two sizes on a device, the one whose request came first runs when the running one ends."""
    pool = pool_of({1: 0.1, 8: 0.1}, {1: 0.1, 8: 0.1})._replace(turns=True)
    log = simulate(pool, world_of(pool), workload_of([0.1, 0.12, 0.14, 0.25]), build_plan(Kind.ROUND_ROBIN), trail=True)
    assert log.running[-1].tolist() == [0, 1]


def generations(output: int, deadline_s: float, slowness: float = 1.0) -> Log:
    """Ten a second for half a minute, which the router takes to be of 30 tokens."""
    pool = gpus(1, Generation(30.0, 30.0))
    arrival_s = np.arange(0.0, 30.0, 0.1)
    workload = workload_of(arrival_s.tolist(), deadline_s)._replace(
        units=np.full(arrival_s.size, 30), steps=np.full(arrival_s.size, 30.0), output=np.full(arrival_s.size, output)
    )
    world = world_of(pool, slowness=slowness)
    return simulate(pool, world, workload, build_plan(Kind.STATIC, np.array([0.0])), trail=True)


@pytest.mark.parametrize("output", [15, 30, 60])
def test_a_router_learns_how_long_outputs_are(output: int) -> None:
    log = generations(output, 9.0)
    assert log.length[0] == 1.0
    assert log.length[-1] == pytest.approx(output / 30, rel=0.1)
    assert log.correction[-1, 0] == 1.0, "of latency, which was right"


def test_an_output_that_is_cut_off_counts_as_half_an_expected_one_longer() -> None:
    """3.3 ms a token are 45 in 150 ms: 60 where 30 were expected, beside ten that came as expected."""
    log = generations(900, 0.15)
    second = np.flatnonzero(log.length != 1.0)[0]
    assert log.length[second] == pytest.approx((10 * 30 + 45 + 15) / (11 * 30))
    assert not np.any(log.outcome == ANSWERED)


def test_an_output_that_is_cut_off_soon_says_nothing() -> None:
    """Within 150 ms come 11 tokens of a server that takes four times as long."""
    log = generations(900, 0.15, slowness=4.0)
    assert not np.any(log.outcome == ANSWERED)
    assert np.all(log.length == 1.0)


def test_a_slow_server_is_found_out_though_all_its_generations_expire() -> None:
    log = generations(900, 0.15, slowness=4.0)
    assert set(log.outcome) == {EXPIRED, HOPELESS}
    assert np.mean(log.outcome == HOPELESS) > 0.9


def test_a_server_that_gives_no_token_at_all_is_found_out() -> None:
    """Of two, one takes a thousand times as long; each could answer all of them."""
    pool = build_pool(
        (),
        [SizeSpec("fast", 1.0, {}, {1: 0.01, 8: 0.01}), SizeSpec("stuck", 1.0, {}, {1: 0.009, 8: 0.009})],
        [BackendSpec("fast", "a"), BackendSpec("stuck", "b")],
        turns=True,
        generation=Generation(1.0, 10.0),
    )
    arrival_s = np.arange(0.0, 30.0, 0.2)
    workload = workload_of(arrival_s.tolist(), 0.5)._replace(
        steps=np.full(arrival_s.size, 10.0), output=np.full(arrival_s.size, 10)
    )
    world = world_of(pool)._replace(slowness=np.array([1.0, 1000.0]))
    log = simulate(pool, world, workload, build_plan(Kind.PRICE))
    assert np.mean(log.size[:10] == 1) > 0.5
    assert np.mean(log.outcome[arrival_s > 20.0] == ANSWERED) > 0.9
