"""The end of working, however it comes. That the process as a whole runs is shown on a real API server."""

from __future__ import annotations

import asyncio

import pytest

from besteffort_operator.__main__ import _work
from besteffort_operator.work import Key, Work

KEY = Key("models", "a")


async def test_who_loses_the_lease_leaves_what_it_was_at() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def act(_: Key) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    work = Work()
    work.add(KEY)
    working = asyncio.create_task(_work(work, act, asyncio.Event()))
    async with asyncio.timeout(5):
        await begun.wait()
        working.cancel()  # as the group does when the election ends
        with pytest.raises(asyncio.CancelledError):
            await working
        await ended.wait()


async def test_who_is_told_to_stop_brings_what_it_was_at_to_its_end() -> None:
    begun, stopping, ended = asyncio.Event(), asyncio.Event(), False

    async def act(_: Key) -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(0.05)
        ended = True

    work = Work()
    work.add(KEY)
    working = asyncio.create_task(_work(work, act, stopping))
    async with asyncio.timeout(5):
        await begun.wait()
        stopping.set()
        await working
    assert ended
