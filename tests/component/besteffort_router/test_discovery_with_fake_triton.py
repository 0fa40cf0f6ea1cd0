"""A real router whose servers are behind a name: they come and go, and no request fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format

from besteffort.v1.status_pb2 import RouterStatus
from besteffort_router.scrape import ScrapeError, read_page
from support.fake_triton import FakeTriton
from support.router import config, request_bytes, write
from support.routing import LONG, infer, routing, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc.aio

NAME = "triton.default.svc"


class Names:
    """A name service; by default it knows no name."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        assert name == NAME
        if not self.addresses:
            raise OSError("no such name")
        return list(self.addresses)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("besteffort_router.follow.RELOAD_S", 0.01)
    monkeypatch.setattr("besteffort_router.follow.LOOK_S", 0.02)
    monkeypatch.setattr("besteffort_router.follow.CALM_S", 0.02)


def behind(port: int, name: str = "triton") -> list[dict[str, object]]:
    return [{"name": name, "address": f"{NAME}:{port}", "sizes": ["large"], "resolve": True}]


async def test_a_router_starts_before_its_servers_have_addresses_and_is_ready_when_they_come(tmp_path: Path) -> None:
    names = Names()
    async with (
        FakeTriton("model_large") as fake,
        routing(tmp_path, backends=behind(fake.port), resolve=names) as up,
        up.channel() as channel,
    ):
        assert not up.dispatch.ready()
        names.addresses = ["127.0.0.1"]
        await until(up.dispatch.ready)
        assert await infer(channel)(request_bytes()) == fake.reply
        assert [lane.backend.replica.name for lane in up.dispatch.load.lanes] == ["triton-127-0-0-1"]


class Clients:
    """Eight clients who ask for ever, one request after the other."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answered = 0
        self._channel = channel
        self._stopped = False
        self._tasks = [asyncio.ensure_future(self._ask()) for _ in range(8)]

    async def stop(self) -> None:
        """Stop, and raise what any of them was refused with."""
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _ask(self) -> None:
        while not self._stopped:
            await infer(self._channel)(request_bytes())
            self.answered += 1


async def test_servers_come_and_go_under_requests_and_none_fails(tmp_path: Path) -> None:
    names = Names()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(FakeTriton("model_large"))
        fakes = [first, *(FakeTriton("model_large", host=f"127.0.0.{n}", port=first.port) for n in (2, 3, 4))]
        names.addresses = [first.host]
        options = {"backends": behind(first.port), "deadline": LONG, "resolve": names}
        up = await stack.enter_async_context(routing(tmp_path, **options))
        await until(up.dispatch.ready)
        clients = Clients(await stack.enter_async_context(up.channel()))
        first.delay_s = 0.05
        for fake in fakes[1:]:
            fake.delay_s = 0.05
            await stack.enter_async_context(fake)
            names.addresses = [*names.addresses, fake.host]
            await until(lambda fake=fake: len(fake.requests) > 10)
        lanes = {lane.backend.replica.address: lane for lane in up.dispatch.load.lanes}
        for fake in fakes[1:3]:
            names.addresses = [host for host in names.addresses if host != fake.host]
            await until(lambda: len(up.dispatch.load.lanes) == len(names.addresses))
            going = lanes[f"{fake.host}:{fake.port}"]
            await until(lambda going=going: going.own == 0)
            await fake.stop()
        names.addresses, before = [], clients.answered
        await until(lambda: clients.answered > before + 100)
        await clients.stop()
        assert up.dispatch.load.lanes == tuple(lanes[f"{fake.host}:{fake.port}"] for fake in (first, fakes[3]))
        assert up.dispatch.ledger.decisions["large", "retry"] == 0
        assert sum(up.dispatch.ledger.requests.values()) == clients.answered
        assert up.dispatch.requests == 0


async def test_a_new_configuration_finds_the_known_servers_at_once(tmp_path: Path) -> None:
    names = Names()
    names.addresses = ["127.0.0.1"]
    async with FakeTriton("model_large") as fake, routing(tmp_path, backends=behind(fake.port), resolve=names) as up:
        await until(up.dispatch.ready)
        lane, old = up.dispatch.load.lanes[0], up.dispatch.settings
        names.addresses = []
        write(up.file, config(backends=behind(fake.port), deadline=LONG))
        await until(lambda: up.dispatch.settings.digest != old.digest)
        assert up.dispatch.load.lanes == (lane,)
        assert lane.ready


async def test_the_status_page_is_json_and_shows_the_servers_that_were_found(tmp_path: Path) -> None:
    names = Names()
    names.addresses = ["127.0.0.1"]
    async with FakeTriton("model_large") as fake, routing(tmp_path, backends=behind(fake.port), resolve=names) as up:
        await until(up.dispatch.ready)
        page = await read_page(f"http://127.0.0.1:{up.metrics_port}/status", 5.0)
        said = json_format.ParseDict(json.loads(page), RouterStatus())
        assert [(b.size, b.replica, b.ready) for b in said.backends] == [("large", "triton-127-0-0-1", True)]
        assert said.config_digest == up.dispatch.settings.digest
        assert said.policy.loaded_at_s > 1_700_000_000


async def test_the_program_finds_its_servers_by_a_real_lookup_and_follows_a_mounted_config_map(tmp_path: Path) -> None:
    """As in a pod: the configuration lies behind a link that the kubelet swaps."""
    async with FakeTriton("model_large") as fake:
        address = {"address": f"localhost:{fake.port}", "metricsUrl": ""}
        content = config(backends=[behind(fake.port)[0] | address])
        mount(tmp_path, content)
        words = ("--config", str(tmp_path / "router.json"), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "besteffort_router", *words]
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
        try:
            assert process.stdout is not None
            url = "http://" + (await process.stdout.readline()).decode().rpartition("metrics=")[2].strip() + "/status"
            first = await said_by(url, lambda status: any(backend.ready for backend in status.backends))
            assert [backend.replica for backend in first.backends] == ["triton-127-0-0-1"]
            mount(tmp_path, content | {"policy": {"kind": "LADDER"}})
            second = await said_by(url, lambda status: status.policy.kind == "Ladder")
            assert second.config_digest != first.config_digest
            assert [backend.ready for backend in second.backends] == [True]
        finally:
            process.terminate()
            await process.wait()


def mount(folder: Path, content: dict[str, object]) -> None:
    version = folder / f"..{len(list(folder.iterdir()))}"
    version.mkdir()
    write(version / "router.json", content)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(version.name)
    fresh.replace(folder / "..data")
    if not (folder / "router.json").is_symlink():
        (folder / "router.json").symlink_to("..data/router.json")


async def said_by(url: str, holds: Callable[[RouterStatus], bool]) -> RouterStatus:
    """Ask for the status until it is as wanted."""
    async with asyncio.timeout(30.0):
        while True:
            with contextlib.suppress(ScrapeError):
                status = json_format.Parse(await read_page(url, 5.0), RouterStatus())
                if holds(status):
                    return status
            await asyncio.sleep(0.05)
