from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from besteffort_core.decide import Health, decide, route, timely
from besteffort_core.dqn import best_ready, observe, q_values
from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Reason, Refusal, Request, Snapshot
from besteffort_core.policy import NETWORKS, Kind, Policy, build_policy
from support.bundles import random_bundle, random_dqn, random_scorer
from support.pools import gpus, gpus_seen, snapshot

REQUEST = Request(task=0, deadline_s=0.3)
WELL = Health()


def learned(**changes: object) -> Policy:
    return replace(build_policy(Kind.LEARNED, Kind.PRICE, random_bundle()), **changes)  # type: ignore[arg-type]


def test_each_kind_answers_with_its_own_reason(pool: Pool, idle: Snapshot) -> None:
    reasons = {
        kind: decide(REQUEST, pool, idle, build_policy(kind, Kind.PRICE, random_bundle()), health=WELL).reason
        for kind in set(Kind) - {Kind.DQN}
    }
    assert reasons == {
        Kind.LEARNED: Reason.LEARNED,
        Kind.PRICE: Reason.PRICE,
        Kind.GREEDY: Reason.BEST_IN_TIME,
        Kind.LADDER: Reason.LADDER,
        Kind.STATIC: Reason.STATIC,
        Kind.ROUND_ROBIN: Reason.ROUND_ROBIN,
        Kind.LEAST_LOADED: Reason.LEAST_LOADED,
    }


@pytest.mark.parametrize(
    ("policy", "health", "reason"),
    [
        (learned(network=None), WELL, Reason.FALLBACK_MISSING),
        (learned(limit_s=0.001), Health(decision_s=0.002), Reason.FALLBACK_SLOW),
        (learned(), Health(metrics_age_s=60.0), Reason.FALLBACK_STALE),
        (
            learned(network=random_scorer()._replace(high=np.full(19, -9.0))),
            WELL,
            Reason.FALLBACK_OUT_OF_RANGE,
        ),
    ],
)
def test_the_guard_lets_the_fallback_decide_and_says_why(
    policy: Policy, health: Health, reason: Reason, pool: Pool, idle: Snapshot
) -> None:
    price = decide(REQUEST, pool, idle, build_policy(Kind.PRICE, Kind.PRICE, random_bundle()), health=WELL)
    assert decide(REQUEST, pool, idle, policy, health=health) == price._replace(reason=reason)


def test_a_dqn_decides_for_itself_within_its_range_only(pool: Pool) -> None:
    dqn = Policy(Kind.DQN, build_policy(Kind.PRICE, Kind.PRICE, None).rule, random_dqn())
    seen = snapshot([3, 2, 1])
    found = timely(REQUEST, pool, candidates(REQUEST, pool, seen))
    wanted = best_ready(q_values(random_dqn(), observe(REQUEST, pool, seen)), found)
    decision = decide(REQUEST, pool, seen, dqn, health=WELL)
    assert (decision.backend, decision.reason) == (wanted, Reason.LEARNED)
    narrow = replace(dqn, network=random_dqn()._replace(high=np.full(7, 0.5, np.float32)))
    assert decide(REQUEST, pool, seen, narrow, health=WELL).reason is Reason.FALLBACK_OUT_OF_RANGE


def test_a_lean_says_where_and_what_is_promised_stays_true() -> None:
    pool, nothing = gpus(2), [0, 0, 0, 0]
    greedy, request = build_policy(Kind.GREEDY, Kind.PRICE, None), Request(0, 1.0)
    seen = gpus_seen(pool, nothing)
    plain = decide(request, pool, seen, greedy, health=WELL)
    leant = decide(request, pool, seen._replace(leans_s=np.array([0.0, 0.02, 0.0, 0.0])), greedy, health=WELL)
    assert (plain.backend, leant.backend) == (1, 3)
    assert leant.finish_s == plain.finish_s
    hurried = request._replace(deadline_s=plain.finish_s / 0.8)
    both = seen._replace(leans_s=np.array([0.0, 0.02, 0.0, 0.02]))
    assert decide(hurried, pool, both, greedy, health=WELL).refusal is None


def test_a_heuristic_is_not_guarded(pool: Pool, idle: Snapshot) -> None:
    policy = build_policy(Kind.GREEDY, Kind.PRICE, None)
    assert decide(REQUEST, pool, idle, policy, health=Health(9.0, 99.0)).reason is Reason.BEST_IN_TIME


def test_in_shadow_the_rule_rules_and_the_network_is_recorded(pool: Pool, idle: Snapshot) -> None:
    wanted = decide(REQUEST, pool, idle, learned(), health=WELL).size
    decision = decide(REQUEST, pool, idle, learned(shadow=True), health=WELL)
    assert (decision.reason, decision.shadow_size) == (Reason.PRICE, wanted)


def test_a_pin_is_obeyed_or_refused(pool: Pool, idle: Snapshot) -> None:
    policy = build_policy(Kind.STATIC, Kind.PRICE, None, static_size=2)
    assert decide(REQUEST, pool, idle, policy, health=WELL, pinned=0)[:2] == (0, 0)
    gone = snapshot([0, 0, 0], ready=(False, True, True))
    assert decide(REQUEST, pool, gone, policy, health=WELL, pinned=0).refusal is Refusal.NO_READY_SIZE


def test_the_only_ready_size_is_taken_but_not_by_a_static_policy(pool: Pool) -> None:
    only_small = snapshot([0, 0, 0], ready=(True, False, False))
    price = build_policy(Kind.PRICE, Kind.PRICE, None)
    assert decide(REQUEST, pool, only_small, price, health=WELL)[:4:3] == (0, Reason.ONLY_READY)
    static = build_policy(Kind.STATIC, Kind.PRICE, None, static_size=2)
    assert decide(REQUEST, pool, only_small, static, health=WELL).refusal is Refusal.NO_READY_SIZE


def test_nothing_ready_is_a_refusal(pool: Pool) -> None:
    none = snapshot([0, 0, 0], ready=(False, False, False))
    decision = decide(REQUEST, pool, none, learned(), health=WELL)
    assert (decision.size, decision.refusal) == (-1, Refusal.NO_READY_SIZE)


def test_a_hopeless_request_is_refused_unless_lateness_is_still_worth_something(pool: Pool) -> None:
    full = snapshot([0, 0, 20])
    static = build_policy(Kind.STATIC, Kind.PRICE, None, static_size=2)
    assert decide(REQUEST, pool, full, static, health=WELL).refusal is Refusal.HOPELESS
    assert decide(REQUEST, pool._replace(grace_factor=2.0), full, static, health=WELL).refusal is None


@pytest.mark.parametrize("kind", sorted(set(Kind) - set(NETWORKS)))
def test_route_says_what_decide_says(kind: Kind, pool: Pool) -> None:
    rng = np.random.default_rng(0)
    policy = build_policy(kind, Kind.PRICE, random_bundle())
    for _ in range(50):
        seen = snapshot([int(n) for n in rng.integers(0, 30, 3)])._replace(sequence=int(rng.integers(9)))
        decision = decide(REQUEST, pool, seen, policy, health=WELL)
        found = candidates(REQUEST, pool, seen)
        offered = found if kind is Kind.STATIC else timely(REQUEST, pool, found)
        wanted = policy.rule.choose(REQUEST, offered, pool, seen, policy.rule.parameters)
        size, backend, finish = route(REQUEST, pool, found, wanted)
        assert (size, finish) == (decision.size, decision.finish_s)
        assert (backend == -1) == (decision.refusal is Refusal.HOPELESS)


@pytest.mark.parametrize("kind", [Kind.ROUND_ROBIN, Kind.LEAST_LOADED, Kind.LADDER, Kind.PRICE])
def test_no_request_is_refused_while_another_size_is_in_time(kind: Kind, pool: Pool) -> None:
    policy = build_policy(kind, Kind.PRICE, None)
    for sequence in range(3):
        busy = snapshot([0, 0, 20])._replace(sequence=sequence)
        decision = decide(REQUEST, pool, busy, policy, health=WELL)
        assert decision.refusal is None
        assert decision.size != 2


def test_a_pinned_size_is_not_replaced_by_one_in_time(pool: Pool) -> None:
    decision = decide(REQUEST, pool, snapshot([0, 0, 20]), learned(), health=WELL, pinned=2)
    assert (decision.size, decision.refusal) == (2, Refusal.HOPELESS)


def test_a_generation_is_not_put_where_a_long_output_would_be_late_if_it_can_go_elsewhere(pool: Pool) -> None:
    asked = Request(task=0, deadline_s=1.0, steps=40.0)
    found = candidates(REQUEST, pool, snapshot([0, 0, 0]))

    def kept(*finish_s: float, request: Request = asked) -> list[bool]:
        predicted = found._replace(finish_s=np.array(finish_s))
        return np.isfinite(timely(request, pool, predicted).finish_s).tolist()

    assert kept(0.6, 0.7, 1.2) == [True, False, False]
    assert kept(0.7, 0.8, 1.2) == [True, True, False]
    assert kept(0.6, 0.7, 1.2, request=asked._replace(steps=0.0)) == [True, True, False]


def test_a_static_fallback_refuses_what_is_hopeless_and_does_not_say_that_nothing_is_ready(pool: Pool) -> None:
    policy = build_policy(Kind.DQN, Kind.STATIC, None, static_size=2)
    decision = decide(REQUEST, pool, snapshot([0, 0, 40]), policy, health=Health())
    assert (decision.size, decision.refusal) == (2, Refusal.HOPELESS)
