"""Iterations worked out by hand: 1 s for each, 0.1 s for a unit, 1 ms for a sequence, 1 us for a token in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_core.pool import BackendSpec, Decode, Generation, SizeSpec, build_pool
from besteffort_sim.choice import build_plan
from besteffort_sim.model import ANSWERED, EXPIRED, PENDING, Plan, Workload, World
from besteffort_sim.simulator import run, simulate
from support.worlds import workload_of, world_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log

BATCH_S, UNIT_S, SEQUENCE_S, CONTEXT_S = 1.0, 0.1, 1e-3, 1e-6
KEPT_S = 1e6


def pool_with(*, units: int = 20, sequences: int = 4, context: int = 1000, sizes: int = 1, turns: bool = True) -> Pool:
    table = {n: BATCH_S + UNIT_S * n for n in range(1, units + 1)}
    decode = Decode(sequences, context, SEQUENCE_S, CONTEXT_S)
    specs = [SizeSpec(f"size{i}", (i + 1) / (sizes + 1), {}, table, decode) for i in range(sizes)]
    backends = [BackendSpec(spec.name, "gpu") for spec in specs]
    return build_pool((), specs, backends, turns=turns, generation=Generation(5.0, 4.0))


def asked(
    arrival_s: Sequence[float],
    units: Sequence[int],
    output: Sequence[int],
    deadline_s: float | Sequence[float] = KEPT_S,
) -> Workload:
    kinds = np.array(output, dtype=np.int64)
    return workload_of(arrival_s, deadline_s)._replace(
        units=np.array(units, dtype=np.int64), output=kinds, steps=np.where(kinds > 0, 4.0, 0.0)
    )


def played(pool: Pool, workload: Workload, *sizes: int, foresight: bool = False) -> Log:
    """The requests go to those sizes, in order; to the first one where none is named."""
    forced = np.array(sizes or [0] * workload.task.size)
    plan = build_plan(Kind.STATIC, np.zeros(1))._replace(forced=forced)
    return run(pool, world_of(pool)._replace(foresight=foresight), workload, plan, trail=False)


def iteration_s(units: int, sequences: int, context: int) -> float:
    return BATCH_S + UNIT_S * units + SEQUENCE_S * sequences + CONTEXT_S * context


@pytest.mark.parametrize("output", [1, 2, 7])
@pytest.mark.parametrize("turns", [True, False])
def test_a_lone_generation_takes_its_prompt_and_a_step_for_each_further_token(output: int, *, turns: bool) -> None:
    log = played(pool_with(turns=turns), asked([0.0], [5], [output]))
    steps = sum(iteration_s(1, 1, 5 + done) for done in range(output - 1))
    assert log.latency_s[0] == pytest.approx(iteration_s(5, 1, 0) + steps)


def test_a_prompt_joins_those_that_decode_in_one_iteration() -> None:
    """The second arrives in the first iteration: its prompt is read beside the first one's second token."""
    log = played(pool_with(), asked([0.0, 0.5], [5, 8], [3, 0]))
    both = iteration_s(5, 1, 0) + iteration_s(1 + 8, 2, 5)
    assert log.latency_s == pytest.approx([both + iteration_s(1, 1, 6), both - 0.5])


def test_what_one_pass_answers_is_read_before_a_generation_that_came_first() -> None:
    log = played(pool_with(units=10), asked([0.0, 0.1, 0.2], [10, 10, 10], [0, 1, 0]))
    one = iteration_s(10, 1, 0)
    assert log.latency_s == pytest.approx([one, 3 * one - 0.1, 2 * one - 0.2])


def test_a_prompt_longer_than_the_room_is_read_in_parts_that_stay_in_the_cache() -> None:
    """The second waits for the first, then takes two iterations of 10."""
    log = played(pool_with(units=10), asked([0.0, 0.0], [4, 20], [0, 0]))
    parts = iteration_s(10, 1, 0) + iteration_s(10, 1, 10)
    assert log.latency_s == pytest.approx([iteration_s(4, 1, 0), iteration_s(4, 1, 0) + parts])


def test_a_request_waits_until_the_cache_has_room_for_its_prompt_and_output() -> None:
    """Room for 20, each needs 5 + 4: the second joins the first, the third joins the second when the first ends."""
    log = played(pool_with(context=20), asked([0.0, 0.0, 0.0], [5, 5, 5], [4, 4, 4]))
    first = iteration_s(5, 1, 0) + iteration_s(1 + 5, 2, 5) + iteration_s(2, 2, 6 + 5) + iteration_s(2, 2, 7 + 6)
    second = first + iteration_s(1 + 5, 2, 7)
    third = second + iteration_s(1, 1, 5) + iteration_s(1, 1, 6) + iteration_s(1, 1, 7)
    assert log.latency_s == pytest.approx([first, second, third])


def test_a_request_larger_than_the_cache_is_taken_alone() -> None:
    log = played(pool_with(context=6), asked([0.0, 0.0], [5, 5], [4, 4]))
    one = iteration_s(5, 1, 0) + sum(iteration_s(1, 1, 5 + done) for done in range(3))
    assert log.latency_s == pytest.approx([one, 2 * one])


def test_no_more_sequences_run_than_may() -> None:
    log = played(pool_with(sequences=1), asked([0.0, 0.0], [5, 5], [2, 2]))
    one = iteration_s(5, 1, 0) + iteration_s(1, 1, 5)
    assert log.latency_s == pytest.approx([one, 2 * one])


def test_sizes_on_a_device_take_turns_and_the_oldest_request_goes_first() -> None:
    """Both wait when the first iteration ends; the one that arrived last is the first to expire."""
    requests = asked([0.0, 0.1, 0.2], [5, 5, 5], [0, 0, 0], [500.0, 500.0, 400.0])
    log = played(pool_with(sizes=2), requests, 0, 0, 1)
    one = iteration_s(5, 1, 0)
    assert log.latency_s == pytest.approx([one, 3 * one - 0.1, 2 * one - 0.2])


def test_turns_are_taken_also_by_what_never_expires() -> None:
    log = played(pool_with(sizes=2), asked([0.0, 0.1], [5, 5], [3, 0], np.inf), 0, 1)
    assert log.outcome.tolist() == [ANSWERED, ANSWERED]


def test_an_expired_generation_leaves_the_batch_and_the_cache() -> None:
    """The first expires in its sixth iteration; the second, too large for the cache beside it, begins after that."""
    requests = asked([0.0, 0.1], [5, 5], [50, 2], [6.0, KEPT_S])
    log = played(pool_with(context=60), requests)
    assert log.outcome.tolist() == [EXPIRED, ANSWERED]
    busy = iteration_s(5, 1, 0) + sum(iteration_s(1, 1, 5 + done) for done in range(5))
    assert log.latency_s[1] == pytest.approx(busy + iteration_s(5, 1, 0) + iteration_s(1, 1, 5) - 0.1)


def test_a_server_with_foresight_leaves_out_what_would_be_late() -> None:
    """The second would end at 3 s and expires before; the third goes on without it."""
    requests = asked([0.0, 0.1, 0.2], [5, 5, 5], [0, 0, 0], [KEPT_S, 2.5, KEPT_S])
    one = iteration_s(5, 1, 0)
    assert played(pool_with(), requests).latency_s[2] == pytest.approx(one + iteration_s(10, 2, 0) - 0.2)
    log = played(pool_with(), requests, foresight=True)
    assert log.outcome.tolist() == [ANSWERED, EXPIRED, ANSWERED]
    assert log.latency_s[2] == pytest.approx(2 * one - 0.2)


def test_nothing_asked_is_nothing_logged() -> None:
    assert played(pool_with(), asked([], [], [])).outcome.size == 0


def drawn(seed: int) -> tuple[Pool, World, Workload, Plan]:
    """Any pool, world, workload and rule, with too little room for most of what is asked."""
    rng = np.random.default_rng(seed)
    sizes = int(rng.integers(1, 4))
    pool = pool_with(
        units=int(rng.integers(3, 30)),
        sequences=int(rng.integers(1, 6)),
        context=int(rng.integers(5, 60)),
        sizes=sizes,
        turns=bool(rng.integers(2)),
    )._replace(grace_factor=float(rng.choice([1.0, 2.0])))
    n = int(rng.integers(1, 60))
    output = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 12, n))
    arrival_s = np.sort(rng.uniform(0, rng.choice([5.0, 100.0]), n))
    requests = asked(arrival_s.tolist(), rng.integers(1, 40, n).tolist(), output.tolist())
    requests = requests._replace(deadline_s=rng.uniform(2.0, rng.choice([10.0, 100.0]), n), noise=rng.gamma(4, 0.25, n))
    world = World(rng.uniform(0.5, 2.0, sizes), rng.random(sizes) < 0.9, 0.01, 40, bool(rng.integers(2)))
    kind = (Kind.PRICE, Kind.GREEDY, Kind.ROUND_ROBIN)[int(rng.integers(3))]
    return pool, world, requests, build_plan(kind)


@pytest.mark.parametrize("seed", range(60))
def test_every_request_ends_once_within_its_deadline_compiled_as_interpreted(seed: int) -> None:
    pool, world, requests, plan = drawn(seed)
    log = run(pool, world, requests, plan, trail=True)
    fast = simulate(pool, world, requests, plan, trail=True)
    assert all(np.array_equal(one, other) for one, other in zip(log, fast, strict=True))
    assert (log.outcome != PENDING).all()
    answered = log.outcome == ANSWERED
    assert ((log.latency_s < np.inf) == answered).all()
    assert (log.latency_s[answered] <= requests.deadline_s[answered] * pool.grace_factor + 1e-9).all()
    assert (log.reward[~answered] == 0.0).all()
    assert (log.in_flight >= 0).all()
