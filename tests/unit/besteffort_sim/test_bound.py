from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.optimize import linprog

from besteffort_core.policy import Kind
from besteffort_core.pool import BackendSpec, Decode, SizeSpec, build_pool
from besteffort_sim.bound import best_prices, dual_value, reachable_share, upper_bound
from besteffort_sim.choice import build_plan
from besteffort_sim.errors import SimulationError
from besteffort_sim.market import Market, build_market, least_costs_s
from besteffort_sim.model import Workload, World
from besteffort_sim.simulator import simulate
from besteffort_study.pools import build_study_pool
from besteffort_study.profiles import gpu_profile
from besteffort_study.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from besteffort_core.model import Pool
    from besteffort_sim.model import Plan
    from besteffort_study.scenarios import Scenario

SMALL, LARGE = 0.4, 0.8


def two_sizes(*gpus: str, grace_factor: float = 1.0) -> Pool:
    """S: 0.1 s in batches of up to 10, L: 1 s, of up to 2; no cheaper per unit in small batches."""
    sizes = [
        SizeSpec("S", SMALL, {}, {1: 0.01, 10: 0.1}),
        SizeSpec("L", LARGE, {}, {1: 0.5, 2: 1.0}),
    ]
    backends = [BackendSpec(name, f"gpu{number}") for number, gpu in enumerate(gpus) for name in gpu]
    return build_pool((), sizes, backends, grace_factor=grace_factor, turns=True)


def true_world(pool: Pool, **changed: Any) -> World:
    sizes, backends = pool.max_batch.size, pool.size_of.size
    world = World(np.ones(sizes), np.ones(backends, dtype=np.bool_), 0.0, 2**40, True, 1, 0.0)  # noqa: FBT003 - foresight
    return world._replace(**changed)


def asked(arrival_s: Sequence[float], deadline_s: float | Sequence[float] = 1.0, **changed: Any) -> Workload:
    n = len(arrival_s)
    none = np.zeros(n, dtype=np.int64)
    deadlines_s = np.broadcast_to(np.asarray(deadline_s, dtype=np.float64), (n,)).copy()
    workload = Workload(
        np.asarray(arrival_s, dtype=np.float64),
        none,
        deadlines_s,
        np.ones(n),
        np.ones(n, dtype=np.int64),
        none,
        np.zeros(n),
        np.empty(0),
        none,
    )
    return workload._replace(**changed)


def optimum(market: Market) -> float:
    """Return what the best plan earns: each plan is a share of a request on a size, a group and a finishing bin."""
    worth, used = [], []
    n, sizes = market.value.shape
    for k, size, group in product(range(n), range(sizes), range(market.hosts.shape[0])):
        if not market.hosts[group, size]:
            continue
        for end in range(market.due[k], market.end[k] + 1):
            late = max(end * market.bin_s - market.due_s[k], 0.0) if end > market.due[k] else 0.0
            share = 1.0 - late / market.fade_s[k] if late > 0.0 else 1.0
            for one in range(market.start[k], end + 1):
                worth.append(share * market.value[k, size])
                used.append((k, group * market.bins + one, market.cost_s[k, size]))
    upper = np.zeros((n + market.hosts.shape[0] * market.bins, len(worth)))
    for column, (k, place, cost_s) in enumerate(used):
        upper[k, column] = 1.0
        upper[n + place, column] = cost_s
    limits = np.concatenate([np.ones(n), np.repeat(market.capacity_s, market.bins)])
    return -float(linprog(-np.array(worth), upper, limits).fun)


def random_market(seed: int) -> Market:
    rng = np.random.default_rng(seed)
    gpus = [("SL",), ("SL", "SL"), ("L", "S"), ("L", "S", "SL")][seed % 4]
    pool = two_sizes(*gpus, grace_factor=1.0 if seed % 3 else 2.0)
    arrival_s = np.sort(rng.uniform(0.0, 2.0, 20))
    workload = asked(
        list(arrival_s),
        list(rng.choice([0.6, 1.2], 20)),
        units=rng.integers(1, 4, 20),
        difficulty=rng.uniform(size=20) if seed % 2 else np.empty(0),
    )
    return build_market(pool, true_world(pool), workload, 0.1)


@pytest.mark.parametrize("seed", range(24))
def test_the_bound_is_the_optimum_of_the_relaxation_within_half_a_percent(seed: int) -> None:
    market = random_market(seed)
    best = optimum(market)
    assert best * (1.0 - 1e-9) <= best_prices(market).reward <= best * 1.005


def test_with_time_for_all_each_request_earns_the_best_quality() -> None:
    pool = two_sizes("SL")
    assert upper_bound(pool, true_world(pool), asked([0.0, 5.0, 10.0])).reward == pytest.approx(3 * LARGE, rel=1e-4)


def test_two_that_share_a_second_split_it() -> None:
    """4 requests want 0.5 s each of 1 s at L: 0.02 + 0.49 s buys L for x of them and S for the rest."""
    pool = two_sizes("SL")
    bins = 1.0 / 64
    market = build_market(pool, true_world(pool), asked([0.0] * 4, 1.0 - bins / 2), bins)
    large = (1.0 - 4 * 0.01) / (0.5 - 0.01)
    assert best_prices(market).reward == pytest.approx(4 * SMALL + large * (LARGE - SMALL), rel=1e-3)


def test_any_prices_prove_a_bound_and_none_a_lower_one_than_the_optimum() -> None:
    rng = np.random.default_rng(0)
    market = random_market(3)
    shape = (market.hosts.shape[0], market.bins)
    best = optimum(market)
    assert all(dual_value(market, rng.exponential(scale, shape)) >= best for scale in (0.0, 0.01, 0.1, 1.0, 10.0))


def test_free_capacity_proves_what_all_earn_at_the_best_size() -> None:
    market = random_market(5)
    assert dual_value(market, np.zeros((market.hosts.shape[0], market.bins))) == market.value.max(axis=1).sum()


def test_the_prices_prove_the_bound_that_is_reported() -> None:
    market = random_market(6)
    bound = best_prices(market)
    assert dual_value(market, bound.prices) == pytest.approx(bound.reward, rel=1e-12)
    assert bound.progress[-1] == bound.reward
    assert (np.diff(bound.progress) <= 0.0).all()


def test_the_same_workload_has_the_same_bound() -> None:
    one, other = best_prices(random_market(7)), best_prices(random_market(7))
    assert one.reward == other.reward
    assert (one.prices == other.prices).all()


def test_a_size_too_slow_for_the_deadline_earns_nothing() -> None:
    pool = two_sizes("SL")
    assert upper_bound(pool, true_world(pool), asked([0.0], 0.4)).reward == pytest.approx(SMALL, rel=1e-4)


def test_the_way_there_counts_against_the_deadline() -> None:
    pool = two_sizes("SL")
    world = true_world(pool, overhead_s=0.2)
    assert upper_bound(pool, world, asked([0.0], 0.6)).reward == pytest.approx(SMALL, rel=1e-4)


def test_a_slower_world_costs_more() -> None:
    pool = two_sizes("SL")
    workload = asked([0.0])
    slow = least_costs_s(pool, true_world(pool, slowness=np.array([1.0, 3.0])), workload)
    assert slow.tolist() == [[0.01, 1.5]]


def test_the_least_noise_is_charged_since_any_request_may_lead() -> None:
    pool = two_sizes("SL")
    workload = asked([0.0, 0.0], noise=np.array([0.5, 2.0]))
    assert least_costs_s(pool, true_world(pool), workload).tolist() == [[0.005, 0.25]] * 2


def test_what_is_not_ready_serves_nobody() -> None:
    pool = two_sizes("S", "L")
    world = true_world(pool, ready=pool.size_of == 0)
    assert upper_bound(pool, world, asked([0.0])).reward == pytest.approx(SMALL, rel=1e-4)


def test_devices_that_host_the_same_are_one_group() -> None:
    pool = two_sizes("SL", "LS", "L")
    market = build_market(pool, true_world(pool), asked([0.0]), 0.1)
    assert market.hosts.tolist() == [[True, True], [False, True]]
    assert market.capacity_s == pytest.approx([0.2, 0.1])
    assert market.group_of.tolist() == [0, 0, 0, 0, 1]


def test_a_generation_pays_for_its_prompt_each_further_token_and_its_cache() -> None:
    decode = Decode(max_sequences=4, max_context=1000, sequence_s=0.5, context_s=0.25)
    pool = build_pool((), [SizeSpec("S", 1.0, {}, {1: 8.0, 8: 8.0}, decode)], [BackendSpec("S", "gpu")])
    one_pass, generation = (asked([0.0], units=np.array([8]), output=np.array([output])) for output in (0, 3))
    world = true_world(pool)
    assert least_costs_s(pool, world, one_pass).tolist() == [[8.0 + 0.5]]
    # 8 units of the prompt and 2 decodes: at most 4 in an iteration of 8 s if prompts are free, at most 8 in any.
    assert least_costs_s(pool, world, generation).tolist() == [[10 * 1.0 + 3 * 0.5 + (8 + 9) * 0.25]]


def drawn(scenario: Scenario, rate_rps: float, seed: int) -> Workload:
    """Bursts of a second, three times as dense as the lulls between them."""
    rng = np.random.default_rng(seed)
    lengths = scenario.lengths
    n = int(3 * rate_rps)
    second = rng.choice(4, n, p=[0.125, 0.375, 0.125, 0.375])
    generates = rng.uniform(size=n) < lengths.generating
    return asked(
        list(np.sort(second + rng.uniform(size=n))),
        list(np.where(generates, scenario.generation_deadline_s, scenario.deadline_s)),
        task=rng.integers(0, len(scenario.tasks), n),
        units=rng.integers(*lengths.prompt, n),
        output=np.where(generates, rng.integers(16, 65, n), 0),
        steps=np.where(generates, 40.0, 0.0),
        noise=np.exp(rng.normal(0.0, 0.1, n)) if seed % 3 == 1 else np.ones(n),
        difficulty=rng.uniform(size=n) if seed % 3 == 2 else np.empty(0),
    )


def plans() -> list[Plan]:
    static = [build_plan(Kind.STATIC, np.array([float(size)])) for size in range(3)]
    return [*static, *(build_plan(kind) for kind in (Kind.PRICE, Kind.GREEDY, Kind.LADDER, Kind.LEAST_LOADED))]


@pytest.mark.parametrize("layout", ["co", "ded", "3L1x"])
@pytest.mark.parametrize("name", ["SC", "SCt", "SCs", "GE", "MX"])
def test_no_policy_earns_more_than_the_bound(name: str, layout: str) -> None:
    for seed, rate_rps in enumerate((20.0, 150.0, 400.0, 800.0, 3000.0)):
        pool = build_study_pool(gpu_profile("a100_roofline"), layout, SCENARIOS[name])
        workload = drawn(SCENARIOS[name], rate_rps, seed)
        world = true_world(pool, overhead_s=0.002 * (seed % 2), slowness=np.array([1.0, 0.9, 1.2]))
        bound = upper_bound(pool, world, workload).reward
        earned = [float(simulate(pool, world, workload, plan).reward.sum()) for plan in plans()]
        assert max(earned) <= bound, (seed, earned, bound)


def test_the_bound_is_reached_where_one_policy_is_clearly_best() -> None:
    """Bursts that fill one batch of S, one after the other, as fast as the device takes them; all of it in time."""
    pool = two_sizes("SL")
    workload = asked([k * 0.1 for k in range(100) for _ in range(10)], 0.5)
    world = true_world(pool)
    earned = simulate(pool, world, workload, build_plan(Kind.STATIC, np.array([0.0]))).reward.sum()
    assert earned == pytest.approx(1000 * SMALL)
    assert upper_bound(pool, world, workload).reward == pytest.approx(earned, rel=1e-3)


def test_windows_are_bounded_one_by_one() -> None:
    """10 requests at once fit L's 0.5 s each only in part; a lone one does."""
    pool = two_sizes("SL")
    workload = asked([*[0.5] * 10, 15.0, 25.0, 39.0], 1.0)
    assert reachable_share(pool, true_world(pool), workload, 0.9) == 0.75
    assert reachable_share(pool, true_world(pool), workload, 0.9, window_s=1.0) == 0.75
    assert reachable_share(pool, true_world(pool), workload, 0.5) == 1.0


def test_a_window_is_charged_the_least_noise_of_all_requests() -> None:
    """The first request of a later window may be led by one of this, which makes L fit."""
    pool = two_sizes("SL")
    late = asked([5.0, 15.0], 0.4)
    quick = late._replace(noise=np.array([0.5, 1.0]))
    assert [reachable_share(pool, true_world(pool), workload, 0.9) for workload in (late, quick)] == [0.0, 1.0]


@pytest.mark.parametrize("call", [upper_bound, partial(reachable_share, part=0.9)])
def test_no_requests_have_no_bound(call: Callable[..., object]) -> None:
    pool = two_sizes("SL")
    with pytest.raises(SimulationError, match="at least one request"):
        call(pool, true_world(pool), asked([]))
