from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from besteffort_operator.router_report import RouterAddress
from besteffort_operator.routers import AT_ONCE, MAX_BYTES, SILENT_PERIOD_S, Routers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class FakeRouter:
    """A status page over real HTTP, with what a test puts on it."""

    def __init__(self) -> None:
        self.page: dict[str, Any] = {"policy": {"kind": "Price", "mode": "Enforce"}}
        self.raw: bytes | None = None
        self.status = 200
        self.delay_s = 0.0
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.address = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.at_once -= 1
        body = json.dumps(self.page).encode() if self.raw is None else self.raw
        return web.Response(body=body, status=self.status)


@asynccontextmanager
async def fake_router() -> AsyncIterator[FakeRouter]:
    fake = FakeRouter()
    app = web.Application()
    app.router.add_get("/status", fake.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


class Desk:
    """The poller with what it is told and what it tells."""

    def __init__(self, *addresses: RouterAddress) -> None:
        self.addresses = list(addresses)
        self.changed: list[tuple[str, str]] = []
        self.clock = Clock()
        self.routers = Routers(lambda: self.addresses, lambda *key: self.changed.append(key), self.clock)

    async def ask(self, after_s: float = 10.0, limit_s: float = 10.0) -> None:
        self.clock.now_s += after_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session:
            await asyncio.gather(*self.routers.begin(session))


def address(fake: FakeRouter, pod: str = "assistant-router-a", *, eager: bool = False) -> RouterAddress:
    return RouterAddress("models", "assistant", pod, fake.address, eager=eager)


async def test_the_newest_answer_is_kept_and_grows_old() -> None:
    async with fake_router() as fake:
        desk = Desk(address(fake))
        await desk.ask()
        fake.page["policy"]["kind"] = "Greedy"
        await desk.ask()
        desk.clock.now_s += 7.0
        (heard,) = desk.routers.heard("models", "assistant")
    assert heard.report
    assert heard.report.policy.kind == "Greedy"
    assert heard.age_s == pytest.approx(7.0)


async def test_a_router_that_never_answered_is_there_without_a_report() -> None:
    desk = Desk(RouterAddress("models", "assistant", "gone", "127.0.0.1:1"))
    await desk.ask()
    (heard,) = desk.routers.heard("models", "assistant")
    assert heard.report is None
    assert not desk.changed


async def test_other_services_are_told_apart() -> None:
    async with fake_router() as fake:
        desk = Desk(address(fake), RouterAddress("other", "assistant", "x", fake.address))
        await desk.ask()
        assert len(desk.routers.heard("models", "assistant")) == 1
        assert desk.routers.heard("models", "none") == ()


async def test_an_eager_router_is_asked_every_two_seconds_and_a_calm_one_every_ten() -> None:
    async with fake_router() as calm, fake_router() as eager:
        desk = Desk(address(calm, "a"), address(eager, "b", eager=True))
        for _ in range(20):
            await desk.ask(after_s=1.0)
    assert calm.asked == 2
    assert eager.asked == 10


async def test_a_service_hears_only_of_what_shows_in_its_status() -> None:
    async with fake_router() as fake:
        desk = Desk(address(fake))
        backend = {"size": "small", "replica": "a", "ready": True, "backlogS": 0.1}
        fake.page["backends"] = [backend]
        await desk.ask()
        backend["backlogS"] = 0.9
        await desk.ask()
        assert desk.changed == [("models", "assistant")]
        backend["ready"] = False
        await desk.ask()
        fake.page["policy"]["digest"] = "ab" * 32
        await desk.ask()
    assert len(desk.changed) == 3


async def test_a_router_that_is_gone_is_forgotten() -> None:
    async with fake_router() as fake:
        desk = Desk(address(fake))
        await desk.ask()
        desk.addresses.clear()
        await desk.ask()
        desk.addresses.append(address(fake))
        (heard,) = desk.routers.heard("models", "assistant")
    assert heard.report is None


async def test_a_service_hears_once_that_a_router_fell_silent_and_once_that_it_is_back() -> None:
    async with fake_router() as fake:
        desk = Desk(address(fake))
        await desk.ask()
        fake.status = 503
        for _ in range(10):
            await desk.ask()
        assert len(desk.changed) == 2
        fake.status = 200
        await desk.ask(SILENT_PERIOD_S)
        await desk.ask(SILENT_PERIOD_S)
    assert len(desk.changed) == 3


def _fails(fake: FakeRouter) -> None:
    fake.status = 503


def _dawdles(fake: FakeRouter) -> None:
    fake.delay_s = 60.0


def _babbles(fake: FakeRouter) -> None:
    fake.raw = b" " * (MAX_BYTES + 1)


def _speaks_nonsense(fake: FakeRouter) -> None:
    fake.raw = b"<html>"


@pytest.mark.parametrize("misbehave", [_fails, _dawdles, _babbles, _speaks_nonsense])
async def test_a_router_that_misbehaves_leaves_its_last_answer_and_the_others_alone(
    misbehave: Callable[[FakeRouter], None],
) -> None:
    async with fake_router() as bad, fake_router() as good:
        desk = Desk(address(bad, "a"), address(good, "b"))
        await desk.ask()
        misbehave(bad)
        await desk.ask(limit_s=2.0)
        first, second = desk.routers.heard("models", "assistant")
    assert first.report is not None
    assert first.age_s >= 10.0
    assert second.age_s == 0.0


async def test_no_more_than_a_few_are_asked_at_once_and_all_get_their_turn() -> None:
    async with fake_router() as fake:
        fake.delay_s = 0.01
        desk = Desk(*(address(fake, f"pod-{i}") for i in range(3 * AT_ONCE)))
        await desk.ask()
        assert all(heard.report for heard in desk.routers.heard("models", "assistant"))
    assert fake.most_at_once <= AT_ONCE


async def test_a_service_with_many_silent_routers_keeps_no_other_waiting() -> None:
    async with fake_router() as dead, fake_router() as alive:
        dead.delay_s = 60.0
        silent = [RouterAddress("tenant", "dead", f"pod-{i}", dead.address, eager=True) for i in range(5 * AT_ONCE)]
        news, clock = asyncio.Event(), Clock()
        routers = Routers(lambda: [*silent, address(alive, eager=True)], lambda *_: news.set(), clock)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30.0)) as session:
            for count in range(10):
                clock.now_s += 2.0
                alive.page["policy"]["digest"] = str(count)
                asking = routers.begin(session)
                async with asyncio.timeout(5.0):
                    await news.wait()
                news.clear()
                await asyncio.sleep(0)
            assert dead.asked == AT_ONCE, "they are being asked still, and nobody twice"
            assert len(asking) == len(silent) + 1
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
    assert alive.asked == 10


async def test_a_router_that_stays_silent_is_asked_less_often_until_it_answers() -> None:
    async with fake_router() as fake:
        fake.status = 503
        desk = Desk(address(fake, eager=True))
        for _ in range(100):
            await desk.ask(after_s=1.0)
        before = fake.asked
        for _ in range(300):
            await desk.ask(after_s=1.0)
        assert fake.asked - before == pytest.approx(300 / SILENT_PERIOD_S, abs=1)
        fake.status = 200
        await desk.ask(SILENT_PERIOD_S)
        before = fake.asked
        for _ in range(20):
            await desk.ask(after_s=1.0)
        assert fake.asked - before == 10


async def test_run_asks_until_it_is_cancelled() -> None:
    async with fake_router() as fake:
        heard = asyncio.Event()
        routers = Routers(lambda: [address(fake)], lambda *_: heard.set())
        task = asyncio.create_task(routers.run())
        async with asyncio.timeout(30.0):
            await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
