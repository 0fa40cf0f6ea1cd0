"""Watching the servers, with a fake in place of the channel."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from besteffort_router.backends import Backends
from besteffort_router.dispatch import Outcome
from besteffort_router.errors import Code
from besteffort_router.load import Load
from besteffort_router.upstream import Answer
from support.router import config, settings
from support.routing import until

if TYPE_CHECKING:
    from besteffort_router.config import Replica
    from besteffort_router.upstream import Metadata

SETTINGS = settings()
REPLICA = SETTINGS.backends[0].replica
READY = Answer(Outcome(Code.OK), b"\x08\x01")


class FakeUpstream:
    """Answers what it is told to; an exception is raised."""

    def __init__(self) -> None:
        self.answer: Answer | Exception = READY
        self.calls: list[tuple[str, bytes]] = []
        self.closed_after_s: float | None = None

    async def call(self, method: str, body: bytes, timeout_s: float, metadata: Metadata = ()) -> Answer:
        assert timeout_s > 0.0
        assert metadata == ()
        self.calls.append((method, body))
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self, grace_s: float) -> None:
        self.closed_after_s = grace_s


class World:
    def __init__(self) -> None:
        self.upstreams: dict[str, FakeUpstream] = {}
        self.load = Load()
        self.load.adopt(SETTINGS)
        self.backends = Backends(self.load, self._connect, lambda: 0.0, random.Random(1))

    def _connect(self, replica: Replica) -> FakeUpstream:
        return self.upstreams.setdefault(replica.name, FakeUpstream())

    def ready(self) -> list[bool]:
        return [lane.ready for lane in self.load.lanes]


async def test_opening_asks_every_server_before_it_returns() -> None:
    world = World()
    await world.backends.open(SETTINGS)
    assert world.ready() == [True, True, True]
    assert world.upstreams["large-0"].calls[0] == ("ModelReady", b"\x0a\x0bmodel_large")
    await world.backends.close()
    assert world.upstreams["large-0"].closed_after_s == 0.0


async def test_a_server_that_is_unavailable_is_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("besteffort_router.backends.PROBE_S", 1000.0)
    world = World()
    await world.backends.open(SETTINGS)
    upstream = world.upstreams["small-0"]
    upstream.answer = Answer(Outcome(Code.UNAVAILABLE))
    calls = len(upstream.calls)
    answer = await world.backends.call(REPLICA, "ModelInfer", b"", 1.0, ())
    assert answer.outcome.code is Code.UNAVAILABLE
    await until(lambda: len(upstream.calls) >= calls + 2 and not world.ready()[0])
    await world.backends.close()


async def test_a_surprise_does_not_end_the_watching(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("besteffort_router.backends.PROBE_S", 0.001)
    world = World()
    world.upstreams["small-0"] = FakeUpstream()
    world.upstreams["small-0"].answer = RuntimeError("surprise")
    opening = asyncio.create_task(world.backends.open(SETTINGS))
    await until(lambda: "watching a backend failed" in caplog.text)
    world.upstreams["small-0"].answer = READY
    await opening
    assert world.ready() == [True, True, True]
    await world.backends.close()


async def test_servers_that_stay_keep_their_connection_and_those_that_go_may_finish() -> None:
    world = World()
    await world.backends.open(SETTINGS)
    kept = dict(world.upstreams)
    fewer = settings(backends=config()["backends"][1:])
    await world.backends.open(fewer)
    world.load.adopt(fewer)
    world.backends.retire(fewer, grace_s=7.0)
    await until(lambda: kept["small-0"].closed_after_s == 7.0)
    assert kept["large-0"].closed_after_s is None
    assert world.upstreams == kept
    answer = await world.backends.call(REPLICA, "ModelInfer", b"", 1.0, ())
    assert answer.outcome == Outcome(Code.UNAVAILABLE, "small-0 is no longer in the configuration", lost=True)
    await world.backends.close()
