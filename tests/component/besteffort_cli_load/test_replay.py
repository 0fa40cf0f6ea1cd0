from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from besteffort_cli.dataset import Row
from besteffort_cli.errors import ServerError
from besteffort_cli.record import Outcome, Record
from besteffort_cli.replay import replay
from besteffort_cli.report import summarise
from support.fake_router import FakeRouter

DEADLINE_S = 1.0


def ask(server: FakeRouter, *tasks: str, count: int, deadline_s: float = DEADLINE_S) -> list[Record]:
    rows = [Row(task, "1+1=", "2") for task in tasks]
    return replay(server.address, "assistant", [i * 0.005 for i in range(count)], rows, deadline_s, seed=3)


def by_task(records: list[Record]) -> dict[str, set[Outcome]]:
    return {task: {r.outcome for r in records if r.task == task} for task in {r.task for r in records}}


def test_every_request_gets_the_outcome_that_its_end_means() -> None:
    with FakeRouter() as server:
        records = ask(server, "right", "wrong", "refused", "draining", "failed", "garbage", count=60)
    assert by_task(records) == {
        "right": {Outcome.IN_TIME},
        "wrong": {Outcome.IN_TIME},
        "refused": {Outcome.REFUSED},
        "draining": {Outcome.REFUSED},
        "failed": {Outcome.FAILED},
        "garbage": {Outcome.FAILED},
    }
    assert {r.task for r in records if r.right} == {"right"}
    assert Counter(r.task for r in records) == dict.fromkeys(by_task(records), 10)


def test_what_the_router_says_is_recorded() -> None:
    with FakeRouter() as server:
        records = ask(server, "right", "refused", "failed", count=3)
    said = {r.task: (r.answered, r.size, r.reason, r.quality) for r in records}
    assert said == {
        "right": (True, "small", "learned", 0.25),
        "refused": (False, "", "hopeless", 0.0),
        "failed": (False, "", "internal", 0.0),
    }


def test_a_request_that_gets_no_answer_is_late_at_its_deadline() -> None:
    with FakeRouter() as server:
        records = ask(server, "late", count=3, deadline_s=0.2)
    assert {r.outcome for r in records} == {Outcome.LATE}
    assert all(0.19 <= r.latency_s < 2.0 for r in records)


def test_a_server_that_dies_midway_fails_the_rest_and_loses_none() -> None:
    def die_at_the_tenth(server: FakeRouter, number: int) -> None:
        if number == 10:
            server.die()

    with FakeRouter(die_at_the_tenth) as server:
        records = ask(server, "right", count=40)
    summary = summarise(records)
    assert summary.offered == 40
    assert summary.in_time >= 1
    assert summary.failed >= 29
    assert summary.in_time + summary.failed == 40


def test_an_interrupt_cancels_what_is_open_and_what_was_not_sent() -> None:
    def interrupt_at_the_tenth(_server: FakeRouter, number: int) -> None:
        if number == 10:
            os.kill(os.getpid(), signal.SIGINT)

    with FakeRouter(interrupt_at_the_tenth) as server:
        records = ask(server, "late", count=2000, deadline_s=20.0)
    assert len(records) == 2000
    assert {r.outcome for r in records} == {Outcome.CANCELLED}
    assert len(server.seen) < 2000


def test_requests_carry_model_prompt_task_and_deadline() -> None:
    with FakeRouter() as server:
        ask(server, "right", count=1)
    (request,) = server.seen
    assert request.model_name == "assistant"
    assert request.parameters["task"].string_param == "right"
    assert request.parameters["deadline_ms"].int64_param == 1000
    assert request.raw_input_contents[0] == b"\x04\x00\x00\x001+1="
    assert (request.inputs[0].name, request.inputs[0].datatype, list(request.inputs[0].shape)) == (
        "text_input",
        "BYTES",
        [1, 1],
    )


def test_the_loop_is_open_so_a_server_that_hangs_does_not_hold_the_sender_back() -> None:
    with FakeRouter() as server:
        records = ask(server, "late", count=10, deadline_s=0.5)
    assert max(r.lag_s for r in records) < 0.4


def test_the_order_of_the_records_is_that_of_the_arrivals() -> None:
    with FakeRouter() as server:
        records = ask(server, "right", "refused", count=20)
    assert [r.offset_s for r in records] == [i * 0.005 for i in range(20)]


def test_progress_reports_how_many_have_ended() -> None:
    seen: list[int] = []
    with FakeRouter() as server:
        replay(server.address, "assistant", [0.0, 0.6], [Row("right", "1+1=", "2")], DEADLINE_S, progress=seen.append)
    assert seen[0] == 0
    assert seen[-1] == 1


def test_an_address_where_nothing_listens_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("besteffort_cli.replay._CONNECT_S", 0.2)
    with pytest.raises(ServerError, match=r"No inference server answers at 127\.0\.0\.1:1;"):
        replay("127.0.0.1:1", "assistant", [0.0], [Row("right", "1+1=", "2")], DEADLINE_S)
