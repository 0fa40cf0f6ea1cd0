"""A real router before fake Triton servers that fail, fill up, come and go; nothing is lost and the counters add up."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from besteffort_core.bundle import bundle_to_bytes
from besteffort_router.dispatch import Outcome
from besteffort_router.errors import Code
from besteffort_router.server import ROOM
from besteffort_router.upstream import GrpcUpstream
from support.bundles import random_bundle
from support.fake_triton import SERVICE, FakeTriton
from support.pools import TASKS
from support.router import config, request_bytes, write
from support.routing import Routing, backends, infer, routing, said, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

FAKE = Path(__file__).parents[2] / "support" / "fake_triton.py"
BODY = request_bytes()
LONG = {"defaultS": 5, "maxS": 10}


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


async def codes(channel: grpc.aio.Channel, count: int, body: bytes = BODY) -> Counter[str]:
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


class Command:
    """The router as a program."""

    def __init__(self, *words: str) -> None:
        self._words = words

    async def __aenter__(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "besteffort_router", *self._words]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        return self._process

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Return what a program wrote that should end by itself."""
    async with asyncio.timeout(20.0):
        return await process.communicate()


FREE_PORTS = ("--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")


async def test_the_program_says_where_it_listens_and_ends_well_on_sigterm(tmp_path: Path) -> None:
    async with FakeTriton("model_large") as large:
        file = write(tmp_path / "config.json", config(backends=backends({"large-0": large})))
        async with Command("--config", str(file), *FREE_PORTS) as process:
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            words = dict(word.split("=") for word in line.split()[1:])
            url = f"http://{words['metrics']}"

            def get(path: str) -> bytes:
                with urllib.request.urlopen(url + path, timeout=5) as answer:
                    return answer.read()

            assert await asyncio.to_thread(get, "/healthz") == b"alive\n"
            async with grpc.aio.insecure_channel(words["grpc"]) as channel:
                ready = channel.unary_unary("/inference.GRPCInferenceService/ServerReady")
                while await ready(b"") != b"\x08\x01":  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.01)
                await infer(channel)(request_bytes())
            assert b'requests_total{code="OK",size="large",task="other"} 1.0' in await asyncio.to_thread(
                get, "/metrics"
            )
            assert await asyncio.to_thread(get, "/readyz") == b"ready\n"
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"deadline": {"defaultS": -1, "maxS": 1}}, b"deadline.default_s: -1 is not a positive number of seconds"),
        (None, b"cannot be read (No such file or directory)"),
    ],
)
async def test_a_bad_configuration_at_the_start_is_one_sentence(
    tmp_path: Path, change: dict[str, object] | None, text: bytes
) -> None:
    file = tmp_path / "config.json"
    if change is not None:
        write(file, config(**change))
    async with Command("--config", str(file), *FREE_PORTS) as process:
        out, error = await ended(process)
        assert process.returncode == 1
    assert out == b""
    assert error.count(b"\n") == 1
    assert text in error


@pytest.mark.parametrize("option", ["--listen", "--metrics"])
async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, option: str) -> None:
    """Also by another gRPC server, which would by default share it in silence."""
    file = write(tmp_path / "config.json", config())
    other = grpc.aio.server()
    taken = f"127.0.0.1:{other.add_insecure_port('127.0.0.1:0')}"
    await other.start()
    try:
        async with Command("--config", str(file), *FREE_PORTS, option, taken) as process:
            _, error = await ended(process)
            assert process.returncode == 1
    finally:
        await other.stop(None)
    assert f"besteffort_router: {option} {taken}: cannot listen there".encode() in error
    assert b"Traceback" not in error


async def test_help_teaches() -> None:
    async with Command("--help") as process:
        out, _ = await ended(process)
    assert process.returncode == 0
    for word in (b"RouterConfig", b"/metrics", b"HOST:PORT", b"SIGTERM"):
        assert word in out
