"""Servers that cannot answer: which of them get requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_router.dispatch import Outcome
from besteffort_router.errors import Code
from besteffort_router.load import FAILURES, FIRST_OUT_S
from support.dispatching import OK, TWO_OF_EACH, dispatch, finish, forward

if TYPE_CHECKING:
    from besteffort_router.dispatch import Dispatch

BROKEN = Outcome(Code.INTERNAL, "CUDA error: an illegal memory access was encountered")


def failing(found: Dispatch, now_s: float, name: str = "large-1") -> str:
    """Send one request, which this server fails at once and any other answers; return where it went."""
    step = forward(found, now_s)
    broken = step.replica.name == name
    finish(found, step, now_s + 0.001 if broken else now_s + 0.05, BROKEN if broken else OK)
    return step.replica.name


def test_a_server_that_fails_at_once_does_not_draw_all_requests() -> None:
    found = dispatch(backends=TWO_OF_EACH)
    kept = forward(found, 0.0)
    assert kept.replica.name == "large-0"
    went = [failing(found, 0.01 * number) for number in range(20)]
    assert went.count("large-1") == FAILURES
    assert "large-1" not in went[FAILURES:]
    assert failing(found, 0.2 + FIRST_OUT_S) == "large-1", "it gets a chance later"
    assert failing(found, 0.2 + FIRST_OUT_S + 0.01) != "large-1"


def test_an_answer_takes_a_server_in_again_and_what_others_asked_wrongly_leaves_none_out() -> None:
    lane = dispatch().load.lanes[0]
    for now_s in range(4 * FAILURES):
        lane.failed(float(now_s))
    assert not lane.takes(4.0 * FAILURES)
    lane.answered()
    assert lane.takes(4.0 * FAILURES)
    found = dispatch()
    for _ in range(2 * FAILURES):
        finish(found, forward(found), 0.01, Outcome(Code.INVALID_ARGUMENT, "unexpected shape"))
    assert found.ledger.deadlines == {("large", "invalid"): 2 * FAILURES}


def test_where_every_server_fails_none_is_left_out() -> None:
    found = dispatch()
    for lane in found.load.lanes:
        for _ in range(FAILURES):
            lane.failed(0.0)
    assert forward(found, 0.1).replica.name == "large-0"
