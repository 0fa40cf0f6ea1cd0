"""A real router that stops or gets another configuration or policy while it serves: no request fails by it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import grpc

from besteffort_core.bundle import bundle_to_bytes
from support.bundles import random_bundle
from support.pools import TASKS
from support.router import config, request_bytes, write
from support.routing import LONG, Routing, assert_adds_up, backends, codes, infer, routing, said, until

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


async def test_a_stopping_router_is_not_ready_takes_nothing_new_and_answers_what_it_has(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, stopped=True) as up, up.channel() as channel:
        gate = up.fakes["large-0"].gate = asyncio.Event()
        held = asyncio.ensure_future(codes(channel, 3))
        await until(lambda: up.dispatch.requests == 3)
        stopping = asyncio.ensure_future(up.router.stop(10.0))
        await until(lambda: up.dispatch.draining)
        assert b" 503 " in await readiness(up)
        async with up.channel() as late:
            assert await codes(late, 1) == {"UNAVAILABLE": 1}
        gate.set()
        assert await held == {"OK": 3}
        await stopping
        assert_adds_up(up, 3)


async def readiness(up: Routing) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", up.metrics_port)
    writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return line


RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.01s",
    "maxBackoff": "0.1s",
    "backoffMultiplier": 2,
    # So end calls that grpc had received but not yet handed on when its server began to stop: they were never started.
    "retryableStatusCodes": ["CANCELLED"],
}
TWO_ROUTERS = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{"name": [{}], "retryPolicy": RETRY}],
}


async def test_a_client_of_two_routers_loses_no_request_when_one_stops(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        routing(tmp_path / "a", deadline=LONG, stopped=True) as leaving,
        routing(tmp_path / "b", deadline=LONG) as staying,
    ):
        for up in (leaving, staying):
            up.fakes["large-0"].delay_s = 0.02
        both = f"ipv4:{leaving.address},{staying.address}"
        async with grpc.aio.insecure_channel(both, [("grpc.service_config", json.dumps(TWO_ROUTERS))]) as channel:
            stopped, found = asyncio.Event(), Counter[str]()

            async def load() -> None:
                while not stopped.is_set():
                    found.update(await codes(channel, 1))

            loading = [asyncio.ensure_future(load()) for _ in range(16)]
            await until(lambda: leaving.dispatch.requests > 2 and found["OK"] > 50)
            await leaving.router.stop(10.0)
            assert leaving.dispatch.ledger.requests.total() > 0
            before = found["OK"]
            await until(lambda: found["OK"] > before + 50)
            stopped.set()
            await asyncio.gather(*loading)
    assert set(found) == {"OK"}, found


async def test_what_does_not_end_in_time_is_cancelled_when_the_router_stops(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, stopped=True) as up, up.channel() as channel:
        up.fakes["large-0"].gate = asyncio.Event()
        held = asyncio.ensure_future(codes(channel, 2))
        await until(lambda: up.dispatch.requests == 2)
        await up.router.stop(0.01)
        assert (await held).total() == 2
        assert_adds_up(up, 2)


async def test_reloads_under_load_fail_no_request(tmp_path: Path) -> None:
    async with routing(tmp_path, replicas=2, deadline=LONG) as up, up.channel() as channel:
        for fake in up.fakes.values():
            fake.delay_s = 0.005
        stop, asked = asyncio.Event(), 0
        found: Counter[str] = Counter()

        async def load() -> None:
            nonlocal asked, found
            while not stop.is_set():
                found += await codes(channel, 8)
                asked += 8

        loading = asyncio.ensure_future(load())
        names = sorted(up.fakes)
        for turn in range(6):
            kept = {name: up.fakes[name] for name in names if not name.endswith(str(turn % 2))}
            old = up.dispatch.settings
            write(up.file, config(backends=backends(kept), deadline=LONG))
            await until(lambda old=old: up.dispatch.settings is not old)
        stop.set()
        await loading
        assert found == {"OK": asked}
        assert asked > 0
        assert_adds_up(up, asked)


async def test_a_bad_file_is_refused_and_counted_and_the_old_one_stays(tmp_path: Path) -> None:
    async with routing(tmp_path) as up, up.channel() as channel:
        old = up.dispatch.settings
        up.file.write_text('{"modelName": "other"')
        await until(lambda: up.dispatch.ledger.config_errors == 1)
        assert up.dispatch.settings is old
        assert await codes(channel, 1) == {"OK": 1}


def learned(tmp_path: Path) -> AbstractAsyncContextManager[Routing]:
    sizes = [size | {"qualityByTask": {}} for size in config()["sizes"]]
    policy = {"kind": "LEARNED", "fallback": "PRICE", "bundlePath": "policy.safetensors"}
    return routing(tmp_path, policy=policy, sizes=sizes, tasks=list(TASKS))


async def test_a_refused_bundle_leaves_the_fallback_and_a_good_one_takes_over(tmp_path: Path) -> None:
    (tmp_path / "policy.safetensors").write_bytes(b"no policy")
    async with learned(tmp_path) as up, up.channel() as channel:
        assert up.dispatch.ledger.config_errors == 1
        reasons = []
        for _ in range(2):
            call = infer(channel)(request_bytes())
            await call
            reasons.append(said(await call.trailing_metadata())["bes-reason"])
            (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(random_bundle()))
            await until(lambda: up.dispatch.settings.policy.network is not None)
        assert reasons == ["fallback_missing", "learned"]
