"""A real router in this process before fake Triton servers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio

from besteffort_router.__main__ import build_router
from besteffort_router.config import load_settings
from besteffort_router.discovery import addresses_of
from besteffort_router.server import Address
from support.fake_triton import SERVICE, FakeTriton
from support.router import SIZES, config, request_bytes, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from besteffort_router.discovery import Resolve
    from besteffort_router.dispatch import Dispatch
    from besteffort_router.server import Router

FREE = Address("127.0.0.1", 0)
PATIENCE_S = 10.0
BODY = request_bytes()
LONG = {"defaultS": 5, "maxS": 10}
"""Deadlines that nothing here misses."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it does not for long."""
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s, "waited in vain"
        await asyncio.sleep(0.005)


class Routing:
    """A router with the fakes behind it."""

    def __init__(self, router: Router, fakes: dict[str, FakeTriton], file: Path) -> None:
        self.router = router
        self.fakes = fakes
        self.file = file
        self.address = ""
        self.metrics_port = 0

    @property
    def dispatch(self) -> Dispatch:
        return self.router._dispatch

    async def until_ready(self, count: int) -> None:
        await until(lambda: sum(lane.ready for lane in self.dispatch.load.lanes) >= count)

    def channel(self) -> grpc.aio.Channel:
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.insecure_channel(self.address, options=options)


def said(metadata: grpc.aio.Metadata | None) -> dict[str, str]:
    """Trailing metadata as a dict: grpc's own mapping does not convert."""
    return {str(key): str(value) for key, value in metadata or ()}


def infer(channel: grpc.aio.Channel) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary(SERVICE + "ModelInfer")


@asynccontextmanager
async def routing(
    path: Path, *, replicas: int = 1, stopped: bool = False, resolve: Resolve = addresses_of, **changes: Any
) -> AsyncIterator[Routing]:
    """Yield a ready router with `replicas` servers of each size, named small-0 and so on."""
    async with AsyncExitStack() as stack:
        fakes = {
            f"{size}-{place}": await stack.enter_async_context(FakeTriton(f"model_{size}"))
            for size in SIZES
            for place in range(replicas)
        }
        content = config(**{"backends": backends(fakes)} | changes)
        file = write(path / "config.json", content)
        router = build_router(file, load_settings(file), resolve)
        found = Routing(router, fakes, file)
        ports = await router.start(FREE, FREE)
        found.address, found.metrics_port = f"127.0.0.1:{ports.grpc}", ports.metrics
        try:
            await found.until_ready(sum(not backend.get("resolve") for backend in content["backends"]))
            yield found
        finally:
            if not stopped:
                await router.stop(0.0)


def backends(fakes: dict[str, FakeTriton]) -> list[dict[str, Any]]:
    return [
        {"name": name, "address": f"127.0.0.1:{fake.port}", "sizes": [name.partition("-")[0]], "device": name}
        for name, fake in fakes.items()
    ]


async def codes(channel: grpc.aio.Channel, count: int, body: bytes = BODY) -> Counter[str]:
    """Return how so many requests at once end."""

    async def one() -> str:
        try:
            await infer(channel)(body)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK"

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


def assert_adds_up(up: Routing, asked: int) -> None:
    ledger = up.dispatch.ledger
    assert sum(ledger.requests.values()) == asked
    assert sum(ledger.requests.values()) == sum(ledger.deadlines.values()) + ledger.invalid
    assert up.dispatch.requests == up.dispatch.bytes == 0
    assert all(lane.own == 0 for lane in up.dispatch.load.lanes)
