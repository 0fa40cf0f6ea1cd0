"""The agenda, told the time; and the work that follows it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from besteffort_operator.errors import NotLeadingError, UnavailableError
from besteffort_operator.work import JITTER, RETRY_MOST_S, RETRY_S, SPACING_S, Agenda, Key, Work

A, B = Key("models", "a"), Key("models", "b")


def test_a_key_that_is_added_often_is_given_out_once() -> None:
    agenda = Agenda()
    for _ in range(3):
        agenda.add(A, 0.0)
    assert agenda.take(0.0) == A
    assert agenda.take(0.0) is None


def test_the_key_that_has_been_due_for_longest_comes_first() -> None:
    agenda = Agenda()
    agenda.add(B, 1.0)
    agenda.add(A, 0.0)
    assert [agenda.take(1.0), agenda.take(1.0)] == [A, B]


def test_a_key_that_is_worked_on_is_given_out_again_only_afterwards() -> None:
    agenda = Agenda()
    agenda.add(A, 0.0)
    agenda.take(0.0)
    agenda.add(A, 5.0)
    assert agenda.take(5.0) is None
    assert agenda.wait_s(5.0) is None
    agenda.succeed(A, 6.0, again_s=None)
    assert agenda.take(6.0) == A


def test_runs_of_a_key_begin_a_spacing_apart() -> None:
    agenda = Agenda()
    agenda.add(A, 0.0)
    agenda.take(0.0)
    agenda.succeed(A, 0.1, again_s=0.0)
    assert agenda.take(0.2) is None
    assert agenda.wait_s(0.2) == pytest.approx(SPACING_S - 0.2)
    assert agenda.take(SPACING_S) == A


def test_a_key_is_due_again_when_it_was_asked_for() -> None:
    agenda = Agenda()
    agenda.add(A, 0.0)
    agenda.take(0.0)
    agenda.succeed(A, 1.0, again_s=5.0)
    assert agenda.take(5.9) is None
    assert agenda.take(6.0) == A


def test_a_trigger_makes_a_key_due_earlier_but_never_later() -> None:
    agenda = Agenda()
    agenda.add(A, 0.0, after_s=30.0)
    agenda.add(A, 1.0)
    agenda.add(A, 1.0, after_s=60.0)
    assert agenda.take(1.0) == A


def test_failures_put_a_key_off_for_ever_longer_up_to_a_bound() -> None:
    agenda, now_s, delays = Agenda(), 0.0, []
    agenda.add(A, now_s)
    for _ in range(2000):  # a day and more of an outage
        now_s += agenda.wait_s(now_s) or 0.0
        assert agenda.take(now_s) == A
        delays.append(agenda.fail(A, now_s))
    for delay_s, most_s in zip(delays, (RETRY_S, 2 * RETRY_S, 4 * RETRY_S), strict=False):
        assert most_s * (1 - JITTER) <= delay_s <= most_s
    assert RETRY_MOST_S * (1 - JITTER) <= delays[-1] <= RETRY_MOST_S


def test_what_fails_together_comes_back_apart() -> None:
    agenda = Agenda()
    keys = [Key("models", str(number)) for number in range(20)]
    for key in keys:
        agenda.add(key, 0.0)
        agenda.take(0.0)
    assert len({agenda.fail(key, 0.0) for key in keys}) > 1


def test_a_success_forgets_the_failures() -> None:
    agenda = Agenda(spacing_s=0.0)
    agenda.add(A, 0.0)
    for now_s in (0.0, 1.0):
        agenda.add(A, now_s)
        agenda.take(now_s)
        agenda.fail(A, now_s)
    agenda.add(A, 2.0)
    agenda.take(2.0)
    agenda.succeed(A, 2.0, again_s=None)
    agenda.add(A, 3.0)
    agenda.take(3.0)
    assert agenda.fail(A, 3.0) <= RETRY_S


def test_nothing_is_kept_of_a_key_that_is_done() -> None:
    agenda = Agenda()
    agenda.add(A, 0.0)
    agenda.take(0.0)
    agenda.succeed(A, 0.0, again_s=None)
    kept = [held for held in vars(agenda).values() if isinstance(held, dict | set) and held]
    assert kept == []


def test_an_empty_agenda_has_nothing_to_wait_for() -> None:
    assert Agenda().wait_s(0.0) is None
    assert len(Agenda()) == 0


@asynccontextmanager
async def running(work: Work, act: Any, workers: int = 2) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work.run(act, workers=workers))
    yield task
    work.stop()
    async with asyncio.timeout(5):
        await task


async def test_work_acts_on_what_is_added() -> None:
    done = asyncio.Event()

    async def act(key: Key) -> None:
        assert key == A
        done.set()

    work = Work()
    async with running(work, act):
        work.add(A)
        async with asyncio.timeout(5):
            await done.wait()


async def test_one_key_is_never_worked_on_twice_at_once() -> None:
    at_once = most = runs = 0
    enough = asyncio.Event()

    async def act(_: Key) -> float:
        nonlocal at_once, most, runs
        at_once, runs = at_once + 1, runs + 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        if runs == 5:
            enough.set()
        return 0.0

    work = Work(Agenda(spacing_s=0.0))
    async with running(work, act, workers=4):
        work.add(A)
        async with asyncio.timeout(5):
            await enough.wait()
    assert most == 1


async def test_a_failure_is_logged_with_its_sentence_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    runs = 0
    again = asyncio.Event()

    async def act(_: Key) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise UnavailableError("the API server is away")
        again.set()

    work = Work(Agenda(spacing_s=0.0))
    async with running(work, act):
        work.add(A)
        async with asyncio.timeout(5):
            await again.wait()
    assert re.search(r"models/a: again in 0.[45] s: the API server is away", caplog.text)
    assert "Traceback" not in caplog.text


async def test_an_error_of_ours_stops_neither_its_worker_nor_others(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def act(key: Key) -> None:
        if key == A:
            raise ZeroDivisionError
        done.set()

    work = Work()
    with caplog.at_level(logging.ERROR):
        async with running(work, act, workers=1):
            work.add(A)
            work.add(B)
            async with asyncio.timeout(5):
                await done.wait()
    assert "ZeroDivisionError" in caplog.text


async def test_who_may_not_write_any_more_stops_working() -> None:
    async def act(_: Key) -> None:
        raise NotLeadingError("the lease is another's")

    work = Work()
    work.add(A)
    with pytest.raises(ExceptionGroup) as raised:
        await work.run(act)
    assert raised.group_contains(NotLeadingError)


async def test_stopping_brings_what_was_begun_to_its_end() -> None:
    begun, ended = asyncio.Event(), False

    async def act(_: Key) -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(0.05)
        ended = True

    work = Work()
    async with running(work, act):
        work.add(A)
        async with asyncio.timeout(5):
            await begun.wait()
    assert ended
