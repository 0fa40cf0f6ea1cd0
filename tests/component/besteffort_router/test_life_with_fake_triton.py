"""A real router before fake Triton servers that fail, fill up, come and go; nothing is lost and the counters add up."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from besteffort_router.dispatch import Outcome
from besteffort_router.errors import Code
from besteffort_router.server import ROOM
from besteffort_router.upstream import GrpcUpstream
from support.fake_triton import SERVICE, FakeTriton
from support.router import request_bytes
from support.routing import BODY, LONG, assert_adds_up, backends, codes, infer, routing, said, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FAKE = Path(__file__).parents[2] / "support" / "fake_triton.py"


class Program:
    """A fake Triton server in a process of its own, which can be killed."""

    async def start(self, model: str, *, delay_s: float = 0.01) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(FAKE), model, "--delay-s", str(delay_s), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


async def test_when_a_server_is_killed_the_others_answer_and_no_request_fails(tmp_path: Path) -> None:
    program = Program()
    port = await program.start("model_large")
    try:
        async with FakeTriton("model_large") as other:
            other.delay_s = 0.02
            fakes = [("large-0", port), ("large-1", other.port)]
            servers = [{"name": n, "address": f"127.0.0.1:{p}", "sizes": ["large"], "device": n} for n, p in fakes]
            async with routing(tmp_path, backends=servers, deadline=LONG) as up, up.channel() as channel:
                before = await codes(channel, 20)
                during = asyncio.ensure_future(codes(channel, 40))
                await until(lambda: up.dispatch.load.lanes[0].own > 5)
                await program.kill()
                assert before + await during + await codes(channel, 20) == {"OK": 80}
                assert up.dispatch.ledger.decisions["large", "retry"] > 0
                assert [lane.ready for lane in up.dispatch.load.lanes] == [False, True]
                assert_adds_up(up, 80)
    finally:
        await program.kill()


async def test_a_server_that_says_it_is_full_is_told_from_one_whose_connection_broke() -> None:
    """As real grpc reports them: while the server lives, when it dies under a call, and after that."""
    program = Program()
    async with FakeTriton("model_large") as full:
        full.error = (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        upstream = GrpcUpstream(f"127.0.0.1:{full.port}", 1000)
        answered = (await upstream.call("ModelInfer", BODY, 5.0)).outcome
        await upstream.close(0.0)
    upstream = GrpcUpstream(f"127.0.0.1:{await program.start('model_large', delay_s=10.0)}", 1000)
    try:
        await upstream.call("ModelReady", BODY, 5.0)
        under_way = [asyncio.ensure_future(upstream.call("ModelInfer", BODY, 5.0)) for _ in range(20)]
        await asyncio.sleep(0.1)
    finally:
        await program.kill()
    broken = [(await call).outcome for call in under_way]
    refused = (await upstream.call("ModelInfer", BODY, 5.0)).outcome
    await upstream.close(0.0)
    assert answered == Outcome(Code.UNAVAILABLE, "Exceeds maximum queue size", lost=False)
    assert {(outcome.code, outcome.lost) for outcome in [*broken, refused]} == {(Code.UNAVAILABLE, True)}


async def test_a_request_for_a_model_that_its_server_is_unloading_goes_to_another_size(tmp_path: Path) -> None:
    async with FakeTriton("model_small", "model_medium", "model_large") as fake:
        unloaded = "Request for unknown model: 'model_large' has no available versions"
        fake.errors["model_large"] = (grpc.StatusCode.NOT_FOUND, unloaded)
        sizes = ["small", "medium", "large"]
        server = {"name": "all", "address": f"127.0.0.1:{fake.port}", "sizes": sizes, "device": "d"}
        async with routing(tmp_path, backends=[server], deadline=LONG) as up, up.channel() as channel:
            await up.until_ready(3)
            assert await codes(channel, 50) == {"OK": 50}
            assert_adds_up(up, 50)


async def test_a_full_queue_of_one_model_leaves_the_other_sizes_of_its_server_in_use(tmp_path: Path) -> None:
    async with FakeTriton("model_small", "model_medium", "model_large") as fake:
        fake.errors["model_large"] = (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        sizes = ["small", "medium", "large"]
        server = {"name": "all", "address": f"127.0.0.1:{fake.port}", "sizes": sizes, "device": "d"}
        async with routing(tmp_path, backends=[server], deadline=LONG) as up, up.channel() as channel:
            await up.until_ready(3)
            assert await codes(channel, 50) == {"OK": 50}
            assert all(lane.ready for lane in up.dispatch.load.lanes)
            assert_adds_up(up, 50)


async def test_a_server_that_comes_back_is_used_again_within_two_seconds(tmp_path: Path) -> None:
    async with routing(tmp_path) as up, up.channel() as channel:
        large = up.fakes["large-0"]
        await large.stop()
        await until(lambda: not up.dispatch.load.lanes[2].ready)
        assert await codes(channel, 1) == {"OK": 1}
        await large.start()
        before_s = time.monotonic()
        await until(lambda: up.dispatch.load.lanes[2].ready)
        assert time.monotonic() - before_s < 2.0


async def test_a_model_that_is_unloaded_is_not_chosen_while_its_server_lives(tmp_path: Path) -> None:
    async with routing(tmp_path) as up, up.channel() as channel:
        up.fakes["large-0"].models.clear()
        await until(lambda: not up.dispatch.load.lanes[2].ready)
        call = infer(channel)(request_bytes())
        await call
        assert said(await call.trailing_metadata())["bes-size"] == "medium"


async def test_with_no_server_at_all_requests_are_refused_at_once(tmp_path: Path) -> None:
    async with routing(tmp_path, backends=[]) as up, up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(channel)(request_bytes())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert said(caught.value.trailing_metadata())["bes-refused"] == "no_ready_size"


async def test_overload_is_refused_within_milliseconds_and_the_rest_is_answered(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, limits={"maxRequests": 4}) as up, up.channel() as channel:
        gate = asyncio.Event()
        for fake in up.fakes.values():
            fake.gate = gate
        held = asyncio.ensure_future(codes(channel, 4))
        await until(lambda: up.dispatch.requests == 4)
        waits_s = []
        for _ in range(20):
            before_s = time.monotonic()
            assert await codes(channel, 1) == {"RESOURCE_EXHAUSTED": 1}
            waits_s.append(time.monotonic() - before_s)
        gate.set()
        assert await held == {"OK": 4}
        assert sorted(waits_s)[10] < 0.05
        assert up.dispatch.ledger.refused == {"queue_full": 20}
        assert_adds_up(up, 24)


async def test_calls_that_only_begin_are_bounded_too_and_refused_by_grpc_beyond_that(tmp_path: Path) -> None:
    """Their bodies would fill the memory before the router could refuse them."""
    async with routing(tmp_path, deadline=LONG, limits={"maxRequests": 4}) as up, up.channel() as channel:
        async with up.channel() as second:
            begun = [stuck(second) for _ in range(4 + ROOM + 10)]
            assert await until_not_ok(channel) == {"RESOURCE_EXHAUSTED": 1}
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await infer(second)(BODY, timeout=0.2)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED, "the connection has no stream left"
            for call in begun:
                call.cancel()
        await until_ok(channel)
        assert up.dispatch.requests == 0


def stuck(channel: grpc.aio.Channel) -> grpc.aio.StreamUnaryCall[bytes, bytes]:
    """Begin a call and never send its body."""

    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    return channel.stream_unary(f"{SERVICE}ModelInfer")(nothing())


async def until_ok(channel: grpc.aio.Channel) -> None:
    end_s = time.monotonic() + 5.0
    while await codes(channel, 1) != {"OK": 1}:
        assert time.monotonic() < end_s


async def until_not_ok(channel: grpc.aio.Channel) -> Counter[str]:
    end_s = time.monotonic() + 5.0
    while (found := await codes(channel, 1)) == {"OK": 1}:
        assert time.monotonic() < end_s
    return found


async def test_a_burst_of_large_calls_on_a_new_connection_is_refused_by_status_only(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, limits={"maxRequests": 4}) as up, up.channel() as channel:
        up.fakes["large-0"].delay_s = 0.3
        found = await codes(channel, 100, request_bytes(tensor=b"x" * 1_000_000))
        assert set(found) == {"OK", "RESOURCE_EXHAUSTED"}


@pytest.fixture
async def metrics_page() -> AsyncIterator[list[bytes]]:
    """An HTTP server that answers with the page in the list."""
    page = [b""]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + page[0])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    page.append(str(server.sockets[0].getsockname()[1]).encode())
    yield page
    server.close()


async def test_what_other_routers_have_waiting_at_a_server_counts(tmp_path: Path, metrics_page: list[bytes]) -> None:
    metrics_page[0] = b'nv_inference_pending_request_count{model="model_large",version="1"} 40\n'
    async with FakeTriton("model_large") as large, FakeTriton("model_small") as small:
        servers = backends({"large-0": large, "small-0": small})
        servers[0]["metricsUrl"] = f"http://127.0.0.1:{metrics_page[1].decode()}/metrics"
        async with routing(tmp_path, backends=servers, deadline={"defaultS": 0.4, "maxS": 1}) as up:
            await until(lambda: up.dispatch.load.lanes[0].others == 40)
            async with up.channel() as channel:
                call = infer(channel)(request_bytes(deadline_ms=300))
                await call
                assert said(await call.trailing_metadata())["bes-size"] == "small"


async def test_own_requests_that_end_while_the_page_comes_are_not_other_routers(tmp_path: Path) -> None:
    ended, scraped, asked = asyncio.Event(), asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += large.gate is not None and len(large.requests) == 5
        # The first of these may have been asked for before all five were sent.
        if asked == 2:
            scraped.set()
            await ended.wait()
            writer.write(b'HTTP/1.0 200 OK\r\n\r\nnv_inference_pending_request_count{model="model_large"} 5\n')
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, FakeTriton("model_large") as large:
        servers = backends({"large-0": large})
        servers[0]["metricsUrl"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"
        async with routing(tmp_path, backends=servers, deadline=LONG) as up, up.channel() as channel:
            large.gate = asyncio.Event()
            held = asyncio.ensure_future(codes(channel, 5))
            await asyncio.wait_for(scraped.wait(), 5.0)
            lane, before_s = up.dispatch.load.lanes[0], max(up.dispatch.load._scraped_s.values())
            large.gate.set()
            assert await held == {"OK": 5}
            ended.set()
            await until(lambda: max(up.dispatch.load._scraped_s.values()) > before_s)
            assert lane.others == 0
