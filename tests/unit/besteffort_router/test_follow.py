"""How often the servers' names are looked up."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

import pytest

from besteffort_resource.triton import Triton
from besteffort_router.discovery import Discovery
from besteffort_router.dispatch import Dispatch
from besteffort_router.follow import CALM_S, LOOK_S, MOVED_S, RELOAD_S, SPREAD, Follower
from besteffort_router.ledger import Ledger
from besteffort_router.reload import Watch
from support.router import config, settings, write

if TYPE_CHECKING:
    from besteffort_router.backends import Backends
    from besteffort_router.config import Settings

NAME = "assistant-triton.default.svc"
BEHIND = [{"name": "triton", "address": f"{NAME}:8001", "sizes": ["large"], "resolve": True}]


class NoConnections:
    """Stands for the connections: every server takes requests at once."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._load = dispatch.load

    async def open(self, found: Settings) -> None:
        for lane in self._load.prepare(found):
            lane.set_ready(ready=True)

    def retire(self, found: Settings, grace_s: float) -> None:
        pass


class Desk:
    """A follower under a clock of its own, with a name service that says what a test wants."""

    def __init__(self, folder: Path) -> None:
        found = settings(backends=BEHIND)
        self.addresses: list[str] = ["10.0.0.1"]
        self.looked_s: list[float] = []
        self.now_s = 1000.0
        self.dispatch = Dispatch(found, Ledger(), lambda: 0.0)
        watch = Watch(write(folder / "config.json", config(backends=BEHIND)), found)
        connections = cast("Backends", NoConnections(self.dispatch))
        self.follower = Follower(self.dispatch, connections, watch, Discovery(self.resolve), Random(1))

    async def resolve(self, name: str) -> list[str]:
        assert name == NAME
        self.looked_s.append(self.now_s)
        if not self.addresses:
            raise OSError("nobody answers")
        return self.addresses

    async def lookups(self, seconds: float) -> int:
        """Let time pass and return how many lookups there were."""
        before, end_s = len(self.looked_s), self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 0.25
            await self.follower._look_around()
        return len(self.looked_s) - before


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(tmp_path)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: found.now_s)
    monkeypatch.setattr(Watch, "suspects", lambda _: False)
    await found.follower._take(found.dispatch.settings)
    return found


async def test_a_name_of_which_nothing_changes_is_looked_up_seldom_and_never_in_step(desk: Desk) -> None:
    await desk.lookups(MOVED_S + CALM_S)
    count = await desk.lookups(200.0)
    pauses = {late - early for early, late in zip(desk.looked_s[-count:-1], desk.looked_s[1 - count :], strict=True)}
    assert len(pauses) > 1
    assert min(pauses) >= SPREAD * CALM_S
    assert max(pauses) <= CALM_S + 0.25


async def test_after_a_change_more_is_looked_for_soon(desk: Desk) -> None:
    await desk.lookups(100.0)
    desk.addresses = ["10.0.0.2"]
    await desk.lookups(CALM_S + 0.5)
    assert await desk.lookups(20.0) >= 20 / LOOK_S


async def test_while_a_server_or_a_name_is_missing_it_is_looked_for_often(desk: Desk) -> None:
    await desk.lookups(100.0)
    desk.dispatch.load.lanes[0].set_ready(ready=False)
    await desk.lookups(CALM_S + 0.5)
    assert await desk.lookups(60.0) >= 60 / LOOK_S
    desk.dispatch.load.lanes[0].set_ready(ready=True)
    assert await desk.lookups(60.0) <= 60 / (SPREAD * CALM_S) + 1
    desk.addresses = []
    await desk.lookups(CALM_S + 0.5)
    assert await desk.lookups(60.0) >= 60 / LOOK_S


async def test_a_volume_that_hangs_does_not_hold_the_router_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(Watch, "suspects", lambda _: not answers.wait(5.0))
    looking = asyncio.create_task(desk.follower._look_around())
    await asyncio.sleep(0)
    assert not looking.done()
    answers.set()
    await looking


async def test_limits_that_grow_at_a_restart_only_are_named(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    found = desk.dispatch.settings
    desk.follower._report(found._replace(max_requests=found.max_requests + 1, max_bytes=found.max_bytes + 1))
    assert [record.args[0] for record in caplog.records if record.args] == ["max_requests", "max_bytes"]


def test_a_server_that_goes_is_noticed_before_it_stops() -> None:
    cached_s = 30.0
    assert cached_s + CALM_S + RELOAD_S < Triton().drain_s
