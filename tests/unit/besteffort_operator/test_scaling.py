from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from besteffort_operator.reasons import Reason
from besteffort_operator.router_report import BackendReport
from besteffort_operator.scaling import (
    GAP_S,
    RETRY_DELAYS,
    STALE_S,
    Decision,
    History,
    Reading,
    decide,
    observe,
    reading,
)
from besteffort_resource.capacity import Scaling
from support.live import heard

TARGET_S = 0.1
SCALING = Scaling.model_validate(
    {"minReplicas": 1, "maxReplicas": 8, "target": {"backlog": "100ms"}, "scaleDownDelay": "60s"}
)


def backend(size: str, replica: str, backlog_s: float, *, ready: bool = True) -> BackendReport:
    return BackendReport(size, replica, ready, backlog_s)


def fed(*samples: tuple[float, float, int]) -> History:
    """Feed (time, backlog, asked and ready) one after the other."""
    history = None
    for at_s, backlog_s, asked in samples:
        history = observe(history, Reading(at_s, backlog_s, asked, asked), SCALING)
    assert history
    return history


def steady(until_s: float, backlog_s: float, asked: int, *, since_s: float = 0.0) -> History:
    times = [since_s + 2.0 * i for i in range(int((until_s - since_s) / 2.0) + 1)]
    return fed(*((at_s, backlog_s, asked) for at_s in times))


# reading


def test_the_backlog_is_the_sum_over_servers_and_the_sizes_they_host() -> None:
    backends = (
        backend("small", "a", 0.1),
        backend("large", "a", 0.2),
        backend("small", "b", 0.3),
        backend("other", "c", 9.0),
    )
    found = reading([heard(backends=backends, age_s=2.0)], {"small", "large"}, 2, now_s=50.0)
    assert found
    assert found.backlog_s == pytest.approx(0.6)
    assert (found.at_s, found.ready, found.asked) == (48.0, 2, 2)


def test_of_each_size_on_each_server_the_router_that_sees_most_counts() -> None:
    routers = [
        heard("x", backends=(backend("small", "a", 0.1), backend("small", "b", 0.3)), age_s=3.0),
        heard("y", backends=(backend("small", "a", 0.4), backend("small", "b", 0.2)), age_s=1.0),
    ]
    found = reading(routers, {"small"}, 1, now_s=50.0)
    assert found
    assert (found.backlog_s, found.ready, found.at_s) == (pytest.approx(0.7), 2, 49.0)


@pytest.mark.parametrize(
    "router",
    [
        heard(silent=True),
        heard(backends=(backend("small", "a", 0.4),), age_s=STALE_S + 1.0),
        heard(backends=(backend("small", "a", 0.4, ready=False),)),
        heard(backends=(backend("other", "a", 0.4),)),
        heard(backends=(backend("small", "a", math.nan),)),
        heard(backends=(backend("small", "a", math.inf),)),
    ],
    ids=["silent", "old", "not ready", "another size", "not a number", "infinite"],
)
def test_what_is_not_known_is_no_reading(router: object) -> None:
    assert reading([router], {"small"}, 1, now_s=50.0) is None  # type: ignore[list-item]


# decide


def test_more_come_at_once_but_no_more_than_double() -> None:
    history = fed((0.0, 0.3, 2))
    assert decide(history, SCALING, 2, 0.0).replicas == 3
    assert decide(fed((0.0, 5.0, 2)), SCALING, 2, 0.0).replicas == 4


def test_no_more_are_asked_for_before_those_asked_for_are_ready() -> None:
    history = observe(fed((0.0, 5.0, 2)), Reading(2.0, 5.0, ready=2, asked=4), SCALING)
    soon = decide(history, SCALING, 4, 2.0)
    assert soon.replicas == 4
    assert "not all ready" in soon.sentence
    history = observe(history, Reading(60.0, 5.0, ready=4, asked=4), SCALING)
    assert decide(history, SCALING, 4, 60.0).replicas == 8


def test_near_the_target_nothing_moves() -> None:
    for load in (0.91, 1.0, 1.09):
        history = steady(200.0, load * 4 * TARGET_S, 4)
        assert decide(history, SCALING, 4, 200.0) == Decision(4, Reason.SCALING, "stays: the backlog is at its target")


def test_fewer_come_only_after_the_delay() -> None:
    early, late = steady(58.0, 0.05, 4), steady(62.0, 0.05, 4)
    assert decide(early, SCALING, 4, 58.0).replicas == 4
    assert "scaleDownDelay, 60s" in decide(early, SCALING, 4, 58.0).sentence
    assert decide(late, SCALING, 4, 62.0).replicas == 2


def test_the_most_that_was_wanted_within_the_delay_stays() -> None:
    history = observe(steady(100.0, 0.05, 4), Reading(102.0, 0.28, 4, 4), SCALING)
    for at_s in range(104, 162, 2):
        history = observe(history, Reading(float(at_s), 0.05, 4, 4), SCALING)
        assert decide(history, SCALING, 4, float(at_s)).replicas == 3
    history = observe(history, Reading(164.0, 0.05, 4, 4), SCALING)
    assert decide(history, SCALING, 4, 164.0).replicas == 2


def test_half_go_at_a_time_but_without_any_work_all_that_may() -> None:
    assert decide(steady(100.0, 0.01, 8), SCALING, 8, 100.0).replicas == 4
    assert decide(steady(100.0, 0.0, 8), SCALING, 8, 100.0).replicas == 1


def test_another_half_goes_only_a_delay_later() -> None:
    history = steady(100.0, 0.01, 8)
    for at_s in range(102, 160, 2):
        history = observe(history, Reading(float(at_s), 0.01, 4, 4), SCALING)
        assert decide(history, SCALING, 4, float(at_s)).replicas == 4
    history = observe(history, Reading(162.0, 0.01, 4, 4), SCALING)
    assert decide(history, SCALING, 4, 162.0).replicas == 2


def test_fewer_never_come_during_a_rollout() -> None:
    decision = decide(steady(100.0, 0.0, 4), SCALING, 4, 100.0, rolling=True)
    assert decision.replicas == 4
    assert "rollout" in decision.sentence


def test_more_come_during_a_rollout_too() -> None:
    assert decide(fed((0.0, 0.4, 2)), SCALING, 2, 0.0, rolling=True).replicas == 4


@pytest.mark.parametrize("history", [None, steady(100.0, 0.0, 4), steady(100.0, 9.0, 4)], ids=["none", "idle", "busy"])
def test_without_fresh_data_nothing_moves(history: History | None) -> None:
    decision = decide(history, SCALING, 4, 100.0 + STALE_S + 1.0)
    assert (decision.replicas, decision.reason) == (4, Reason.NO_BACKLOG_KNOWN)


def test_a_long_silence_starts_the_delay_anew() -> None:
    history = steady(100.0, 0.0, 4)
    history = observe(history, Reading(100.0 + GAP_S + 1.0, 0.0, 4, 4), SCALING)
    assert decide(history, SCALING, 4, 100.0 + GAP_S + 1.0).replicas == 4


def test_bounds_hold_even_without_data() -> None:
    tight = SCALING.model_copy(update={"min_replicas": 3, "max_replicas": 5})
    assert decide(None, tight, 1, 0.0).replicas == 3
    assert decide(None, tight, 9, 0.0).replicas == 5
    assert "minReplicas" in decide(None, tight, 1, 0.0).sentence


def test_at_the_bound_it_says_so() -> None:
    decision = decide(fed((0.0, 5.0, 8)), SCALING, 8, 0.0)
    assert (decision.replicas, decision.reason) == (8, Reason.AT_MAX_REPLICAS)


def test_a_reading_that_was_seen_before_changes_nothing() -> None:
    history = fed((0.0, 0.3, 2), (2.0, 0.3, 2))
    assert observe(history, Reading(2.0, 9.9, 2, 2), SCALING) is history


def test_the_sentence_of_a_steady_state_does_not_follow_the_load() -> None:
    decisions = {decide(steady(200.0, load, 2), SCALING, 2, 200.0) for load in (0.185, 0.2, 0.21)}
    assert len(decisions) == 1


# properties


def random_walk(seed: int) -> tuple[list[tuple[float, float]], Scaling]:
    rng = Random(seed)
    low = rng.randint(1, 4)
    scaling = Scaling.model_validate(
        {
            "minReplicas": low,
            "maxReplicas": rng.randint(low, 12),
            "target": {"backlog": "100ms"},
            "scaleDownDelay": f"{rng.choice([1, 10, 60, 300])}s",
        }
    )
    at_s, samples = 0.0, []
    for _ in range(200):
        at_s += rng.choice([0.5, 2.0, 2.0, 10.0, 100.0])
        samples.append((at_s, rng.choice([0.0, rng.expovariate(2.0), rng.expovariate(0.5)])))
    return samples, scaling


@pytest.mark.parametrize("seed", range(40))
def test_whatever_comes_the_bounds_hold_and_no_step_up_is_more_than_double(seed: int) -> None:
    samples, scaling = random_walk(seed)
    history: History | None = None
    current, lower_since = scaling.min_replicas, math.inf
    for at_s, backlog_s in samples:
        history = observe(history, Reading(at_s, backlog_s, current, current), scaling)
        replicas = decide(history, scaling, current, at_s).replicas
        assert scaling.min_replicas <= replicas <= scaling.max_replicas
        assert replicas <= 2 * current
        # Down goes only what has been too much for the whole delay.
        enough = math.ceil(backlog_s / TARGET_S - 1e-9) <= current
        lower_since = min(lower_since, at_s) if enough else math.inf
        if replicas < current:
            assert at_s - lower_since >= scaling.scale_down_delay_s - 1e-6 or history.since_s < lower_since
        current = replicas


@pytest.mark.parametrize("seed", range(20))
def test_the_memory_is_bounded_and_says_the_same_as_all_readings(seed: int) -> None:
    samples, scaling = random_walk(seed)
    history: History | None = None
    for i, (at_s, backlog_s) in enumerate(samples):
        history = observe(history, Reading(at_s, backlog_s, 2, 2), scaling)
        assert len(history.wants) <= scaling.max_replicas + 40
        recent = [
            _want(work_s)
            for when_s, work_s in samples[: i + 1]
            if when_s >= max(at_s - scaling.scale_down_delay_s, history.since_s)
        ]
        assert max(want for _, want in history.wants) == max(recent)


def _want(backlog_s: float) -> int:
    load = backlog_s / TARGET_S
    return 2 if abs(load - 2) <= 0.2 else math.ceil(load)


# closed loop


def simulate(rate_of: object, *, seconds: int, start_s: int = 30) -> list[int]:
    """Let servers that each do a second of work a second, and load a model for `start_s`, follow an arrival rate.

    Return the replicas asked for, each second. What waits longer than a second is refused, as routers do.
    """
    history: History | None = None
    asked, ready_at_s, backlog_s, seen = 1, [0.0], 0.0, []
    for now_s in range(seconds):
        ready = sum(at_s <= now_s for at_s in ready_at_s)
        arriving_s = rate_of(now_s)  # type: ignore[operator]
        busy_s = min(backlog_s + arriving_s, float(ready))
        backlog_s = min(backlog_s + arriving_s - busy_s, 1.0 * ready)
        # Work in service waits too: with little load half a request on each busy server.
        shown_s = backlog_s + 0.05 * min(arriving_s, ready)
        if now_s % 2 == 0:
            history = observe(history, Reading(float(now_s), shown_s, ready, asked), SCALING)
            decision = decide(history, SCALING, asked, float(now_s), rolling=ready < asked)
            ready_at_s += [now_s + start_s] * (decision.replicas - asked)
            ready_at_s = ready_at_s[: decision.replicas]
            asked = decision.replicas
        seen.append(asked)
    return seen


def turns(seen: list[int]) -> int:
    steps = [later - earlier for earlier, later in pairwise(seen) if later != earlier]
    return sum((a > 0) != (b > 0) for a, b in pairwise(steps))


def test_a_burst_brings_servers_which_go_after_it_for_good() -> None:
    seen = simulate(lambda now_s: 3.5 if 100 <= now_s < 150 else 0.4, seconds=700)
    assert set(seen[:100]) == {1}
    assert max(seen) >= 4
    assert seen[-1] == 1
    assert turns(seen) == 1


def test_a_burst_after_which_nobody_asks_leaves_at_once_what_it_brought() -> None:
    seen = simulate(lambda now_s: 3.5 if 100 <= now_s < 150 else 0.0, seconds=400)
    falls = [earlier - later for earlier, later in pairwise(seen) if later < earlier]
    assert falls == [max(seen) - 1]


def test_what_turned_out_too_few_is_not_tried_again_for_long() -> None:
    """In this loop queues are empty until servers are overloaded: the backlog gives no warning."""
    seen = simulate(lambda _: 3.5, seconds=2000)
    tries = [at_s for at_s in range(200, 2000) if seen[at_s] < seen[at_s - 1] and seen[at_s] < 4]
    assert 1 <= len(tries) <= 4
    assert all(seen[at_s] >= 4 for at_s in range(tries[0] + 60, tries[0] + RETRY_DELAYS * 60 - 60))


def test_a_load_that_swings_faster_than_the_delay_does_not_make_the_servers_swing() -> None:
    seen = simulate(lambda now_s: 2.5 if now_s % 50 < 25 else 0.2, seconds=2000)
    assert turns(seen) <= 8
