"""The life of a request as a table of cases, and what must hold after any sequence of events."""

from __future__ import annotations

import random

import pytest

from besteffort_router.dispatch import Dispatch, Forward, Outcome, Reply
from besteffort_router.errors import Code
from besteffort_router.terms import Arrival
from besteffort_router.wire import read_head
from support.dispatching import (
    FULL,
    LOST,
    OK,
    TWO_OF_EACH,
    assert_adds_up,
    dispatch,
    finish,
    forward,
    refused,
    set_ready,
)
from support.router import config, request_bytes, settings


def test_a_request_goes_to_the_size_that_the_policy_chooses_under_its_models_name() -> None:
    step = forward(dispatch(), task="arithmetic", deadline_ms=200)
    assert step.replica.name == "large-0"
    assert read_head(step.body).model_name == "model_large"
    assert step.body.endswith(b"tensor")
    assert step.timeout_s == pytest.approx(0.2)


def test_a_tight_deadline_goes_to_a_smaller_size() -> None:
    assert forward(dispatch(), deadline_ms=25).replica.name == "medium-0"


def test_an_answer_says_which_size_and_why() -> None:
    found = dispatch()
    end = finish(found, forward(found, task="arithmetic"), 0.1)
    assert end == Reply(
        Code.OK,
        "",
        (
            ("bes-size", "large"),
            ("bes-replica", "large-0"),
            ("bes-reason", "best_in_time"),
            ("bes-policy", "Greedy"),
            ("bes-quality", "0.7"),
        ),
    )
    assert found.ledger.deadlines == {("large", "met"): 1}
    assert found.ledger.quality_sum == pytest.approx(0.7)
    assert found.requests == found.bytes == 0


def test_a_late_answer_is_passed_on_and_counts_as_missed() -> None:
    found = dispatch()
    assert finish(found, forward(found), 0.4).code is Code.OK
    assert found.ledger.deadlines == {("large", "missed"): 1}
    assert found.ledger.quality_sum == 0.0


def test_under_a_soft_deadline_the_call_lasts_until_the_answer_is_worth_nothing() -> None:
    found = dispatch(deadline={"defaultS": 0.3, "maxS": 10, "graceFactor": 2})
    step = forward(found)
    assert step.timeout_s == pytest.approx(0.6)
    finish(found, step, 0.45)
    assert found.ledger.quality_sum == pytest.approx(0.8 / 2)


def test_a_request_whose_time_ran_out_ends_with_deadline_exceeded_and_trailers() -> None:
    found = dispatch()
    end = finish(found, forward(found), 0.3, Outcome(Code.DEADLINE_EXCEEDED, "whatever grpc says"))
    assert end.code is Code.DEADLINE_EXCEEDED
    assert end.message == "no answer within 0.3 s"
    assert dict(end.trailers)["bes-size"] == "large"
    assert found.ledger.deadlines == {("large", "missed"): 1}


def test_a_pinned_size_is_used_though_another_would_be_chosen() -> None:
    found = dispatch()
    step = forward(found, **{"bes-size": "small"})
    assert dict(finish(found, step, 0.1).trailers)["bes-reason"] == "pinned"
    assert step.replica.name == "small-0"


def test_a_pinned_size_that_is_not_ready_is_refused_at_once() -> None:
    end = refused(dispatch(ready=("small",)), **{"bes-size": "large"})
    assert end.code is Code.UNAVAILABLE
    assert dict(end.trailers) == {"bes-refused": "no_ready_size", "retry-pushback-ms": "1000", "bes-policy": "Greedy"}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (request_bytes("poet"), Code.NOT_FOUND, "model_name: unknown model 'poet'; this service is 'assistant'"),
        (b"", Code.NOT_FOUND, "unknown model ''"),
        (b"\xff\xff", Code.INVALID_ARGUMENT, "no ModelInferRequest"),
        (request_bytes(deadline_ms=-5), Code.INVALID_ARGUMENT, "deadline_ms: '-5'"),
        (request_bytes(**{"bes-size": "huge"}), Code.INVALID_ARGUMENT, "small, medium, large"),
        (request_bytes(tensor=b"x" * 9_000_000), Code.RESOURCE_EXHAUSTED, "more than the 8388608 allowed"),
    ],
)
def test_a_bad_request_is_turned_down_by_name_and_counted_once(body: bytes, code: Code, text: str) -> None:
    found = dispatch()
    end = found.begin(0.0, Arrival(body))
    assert isinstance(end, Reply)
    assert end.code is code
    assert text in end.message
    assert found.ledger.requests == {("none", code.name, "other"): 1}
    assert found.ledger.invalid == 1
    assert_adds_up(found)


def test_one_request_more_than_the_limit_is_refused_and_room_opens_again() -> None:
    found = dispatch(limits={"maxRequests": 2})
    first, _ = forward(found), forward(found)
    end = refused(found)
    assert end.code is Code.RESOURCE_EXHAUSTED
    assert dict(end.trailers)["bes-refused"] == "queue_full"
    finish(found, first, 0.01)
    forward(found, 0.02)


def test_requests_together_may_not_hold_more_bytes_than_the_limit() -> None:
    found = dispatch(limits={"maxBytes": "1000"})
    forward(found, tensor=b"x" * 600)
    assert dict(refused(found, tensor=b"x" * 600).trailers)["bes-refused"] == "queue_full"
    forward(found, tensor=b"x" * 100)


def test_a_request_that_cannot_be_answered_in_time_is_refused_with_the_time_to_wait() -> None:
    end = refused(dispatch(), deadline_ms=1)
    assert end.code is Code.RESOURCE_EXHAUSTED
    assert dict(end.trailers)["bes-refused"] == "hopeless"
    assert dict(end.trailers)["retry-pushback-ms"] == "9"


def test_a_decision_that_ends_in_a_refusal_is_counted_and_says_its_reason() -> None:
    found = dispatch(policy={"kind": "DQN", "fallback": "PRICE"})
    assert dict(refused(found, deadline_ms=1).trailers)["bes-reason"] == "fallback_missing"
    assert found.ledger.fallback == {"fallback_missing": 1}
    assert sum(found.ledger.decisions.values()) == sum(found.ledger.decision_s.counts) == 1


def test_with_no_server_ready_a_request_is_refused() -> None:
    found = dispatch(ready=())
    assert not found.ready()
    assert refused(found).code is Code.UNAVAILABLE
    assert found.reference() is None


def test_a_draining_router_is_not_ready_and_answers_what_still_reaches_it() -> None:
    found = dispatch()
    early = forward(found)
    found.draining = True
    assert not found.ready()
    assert finish(found, forward(found), 0.1).code is Code.OK
    assert finish(found, early, 0.1).code is Code.OK


def test_a_request_whose_server_is_lost_goes_to_another_one_once() -> None:
    found = dispatch(backends=TWO_OF_EACH)
    step = forward(found)
    again = found.finish(0.05, step.ticket, LOST)
    assert isinstance(again, Forward)
    assert {step.replica.name, again.replica.name} == {"large-0", "large-1"}
    assert again.timeout_s == pytest.approx(0.25)
    end = finish(found, again, 0.1)
    assert dict(end.trailers)["bes-reason"] == "retry"
    assert found.ledger.requests == {("large", "OK", "other"): 1}
    assert_adds_up(found)


def test_a_second_loss_is_passed_on_as_the_server_said_it() -> None:
    found = dispatch(backends=TWO_OF_EACH)
    again = found.finish(0.05, forward(found).ticket, LOST)
    assert isinstance(again, Forward)
    assert finish(found, again, 0.1, LOST)[:2] == (Code.UNAVAILABLE, "Socket closed")
    assert not any(lane.ready for lane in found.load.lanes if lane.backend.size_name == "large")


def test_a_lost_request_without_time_or_another_server_ends_unavailable() -> None:
    for ready, now_s in ((("large",), 0.01), (("small", "large"), 0.5)):
        found = dispatch(ready=ready)
        assert finish(found, forward(found), now_s, LOST).code is Code.UNAVAILABLE
        assert_adds_up(found)


def test_a_server_that_answers_unavailable_for_one_model_stays_ready_and_the_request_goes_elsewhere_once() -> None:
    one_server = [{"name": "all", "address": "127.0.0.1:1", "sizes": ["small", "medium", "large"], "device": "d"}]
    found = dispatch(backends=one_server)
    step = forward(found)
    again = found.finish(0.01, step.ticket, FULL)
    assert isinstance(again, Forward)
    assert read_head(step.body).model_name == "model_large"
    assert read_head(again.body).model_name == "model_medium"
    assert all(lane.ready for lane in found.load.lanes)
    assert finish(found, again, 0.02, FULL)[:2] == (Code.UNAVAILABLE, "Exceeds maximum queue size")
    assert all(lane.ready for lane in found.load.lanes)
    assert_adds_up(found)


def test_a_pinned_request_is_never_retried_on_another_size() -> None:
    found = dispatch()
    assert finish(found, forward(found, **{"bes-size": "large"}), 0.01, LOST).code is Code.UNAVAILABLE


def test_an_error_of_triton_goes_through_unchanged() -> None:
    found = dispatch()
    end = finish(found, forward(found), 0.1, Outcome(Code.INVALID_ARGUMENT, "unexpected shape for input 'x'"))
    assert end[:2] == (Code.INVALID_ARGUMENT, "unexpected shape for input 'x'")
    assert found.load.lanes[2].ready
    assert found.load.lanes[2].correction(0.1) == 1.0


def test_a_client_that_goes_away_is_cancelled_or_missed_when_it_waited_long_enough() -> None:
    found = dispatch()
    early, late = forward(found), forward(found)
    found.abandon(0.1, early.ticket)
    found.abandon(0.31, late.ticket)
    found.abandon(0.4, late.ticket)
    assert found.ledger.deadlines == {("large", "cancelled"): 1, ("large", "missed"): 1}
    assert found.requests == 0


def test_slow_answers_and_silence_raise_the_estimate_and_fast_ones_lower_it() -> None:
    corrections = []
    for outcome, now_s in (
        (OK, 0.2),
        (Outcome(Code.DEADLINE_EXCEEDED), 0.3),
        (OK, 0.001),
        (Outcome(Code.CANCELLED), 0.001),
    ):
        found = dispatch()
        for _ in range(20):
            finish(found, forward(found, **{"bes-size": "large"}), now_s, outcome)
        corrections.append(found.load.lanes[2].correction(now_s))
    slow, silent, fast, soon_cancelled = corrections
    assert slow > 1.0
    assert silent > 1.0
    assert fast < 1.0
    assert soon_cancelled == 1.0


def test_new_settings_keep_counts_corrections_and_readiness_of_the_servers_that_stay() -> None:
    found = dispatch(backends=TWO_OF_EACH)
    step = forward(found)
    lane = step.ticket.lane
    for _ in range(20):
        lane.learn(1.0, 0.1, 0.2, answered=True)
    correction = lane.correction(1.0)
    assert correction > 1.0
    found.adopt(settings(backends=TWO_OF_EACH[4:], sizes=config()["sizes"]))
    assert lane in found.load.lanes
    assert (lane.own, lane.correction(1.0), lane.ready) == (1, correction, True)
    found.adopt(settings(backends=TWO_OF_EACH[:4]))
    assert lane not in found.load.lanes
    assert finish(found, step, 0.1).code is Code.OK
    assert (lane.own, found.requests) == (0, 0)


def test_after_any_sequence_of_events_every_request_has_ended_once_and_the_counters_add_up() -> None:
    for seed in range(30):
        rng = random.Random(seed)
        found = dispatch(backends=TWO_OF_EACH, limits={"maxRequests": 12, "maxBytes": "20000"})
        asked, now_s = _live_through(found, rng)
        assert_adds_up(found)
        assert sum(found.ledger.requests.values()) == asked
        assert found.requests == found.bytes == 0
        assert all(lane.own == 0 for lane in found.load.lanes)
        assert now_s > 0.0


def _live_through(found: Dispatch, rng: random.Random) -> tuple[int, float]:
    """Play 400 random events and then end what is open; return the requests asked and the time."""
    under_way: list[Forward] = []
    now_s, asked = 0.0, 0
    codes = [Code.OK] * 6 + [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.INVALID_ARGUMENT, Code.INTERNAL]
    for event in range(400):
        now_s += rng.expovariate(100.0)
        choice = rng.random()
        if choice < 0.45:
            step = found.begin(now_s, Arrival(_any_body(rng)))
            asked += 1
            under_way += [step] if isinstance(step, Forward) else []
        elif choice < 0.85 and under_way:
            step = under_way.pop(rng.randrange(len(under_way)))
            end = found.finish(now_s, step.ticket, Outcome(rng.choice(codes)))
            under_way += [end] if isinstance(end, Forward) else []
        elif choice < 0.9 and under_way:
            found.abandon(now_s, under_way.pop().ticket)
        elif choice < 0.95:
            set_ready(found, *rng.sample(("small", "medium", "large"), 2))
        elif event % 3 == 0:
            found.adopt(settings(backends=rng.sample(TWO_OF_EACH, 4), limits={"maxRequests": 12, "maxBytes": "20000"}))
        assert found.requests == len(under_way)
        assert found.requests <= 12
        assert found.bytes <= 20000
    for step in under_way:
        found.abandon(now_s, step.ticket)
    return asked, now_s


def _any_body(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.05:
        return rng.randbytes(20)
    if kind < 0.1:
        return request_bytes("stranger")
    if kind < 0.15:
        return request_bytes(tensor=b"x" * 30_000)
    size = {"bes-size": rng.choice(("small", "large"))} if kind < 0.25 else {}
    return request_bytes(tensor=b"x" * rng.randrange(4000), deadline_ms=rng.choice((1, 30, 300, 3000)), **size)


def test_a_size_that_was_slow_once_is_used_again() -> None:
    """Sixty silent seconds make the large one look hopeless; nobody asks it any more, and so it must not stay so."""
    found = dispatch()
    for _ in range(60):
        finish(found, forward(found, **{"bes-size": "large"}), 1.0, Outcome(Code.DEADLINE_EXCEEDED))
        if found.load.lanes[2].correction(1.0) > 5.0:
            break
    assert found.load.lanes[2].correction(1.0) > 5.0
    assert found.load.lanes[2].correction(601.0) < 1.1


def test_a_server_that_comes_back_is_as_profiled() -> None:
    found = dispatch()
    for _ in range(20):
        finish(found, forward(found, **{"bes-size": "large"}), 0.3, Outcome(Code.DEADLINE_EXCEEDED))
    lane = found.load.lanes[2]
    assert lane.correction(0.3) > 1.0
    lane.set_ready(ready=False)
    lane.set_ready(ready=True)
    assert lane.correction(0.3) == 1.0


def test_a_request_is_compared_with_the_profile_not_with_the_correction_of_its_decision() -> None:
    fresh, corrected = dispatch(), dispatch()
    for _ in range(20):
        corrected.load.lanes[2].learn(0.0, 0.1, 0.2, answered=True)
    assert corrected.load.lanes[2].correction(0.0) > 1.0
    steps = [forward(found, **{"bes-size": "large"}) for found in (fresh, corrected)]
    assert steps[0].ticket.profiled_s == pytest.approx(steps[1].ticket.profiled_s)


def test_a_retried_request_is_compared_from_when_it_was_sent_again() -> None:
    found = dispatch(backends=TWO_OF_EACH)
    again = found.finish(0.05, forward(found).ticket, LOST)
    assert isinstance(again, Forward)
    lane = again.ticket.lane
    finish(found, again, 0.05 + again.ticket.profiled_s)
    assert lane.correction(0.06) == pytest.approx(1.0)
