"""Models that answer by streams, and clients that ask by streams."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2

from besteffort_router.errors import Code
from besteffort_router.exchange import Exchange
from besteffort_router.streaming import MOST_REQUESTS, serve_stream
from besteffort_router.upstream import GrpcUpstream
from support.fake_triton import SERVICE, FakeTriton
from support.router import SIZES, config, request_bytes
from support.routing import LONG, Routing, infer, routing, said, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from besteffort_router.calls import Context
    from besteffort_router.terms import Arrival

DECOUPLED = [size | {"decoupled": True} for size in config()["sizes"]]


def piece(text: bytes = b"", error: str = "") -> bytes:
    found = service_pb2.ModelStreamInferResponse(error_message=error)
    found.infer_response.model_name, found.infer_response.id = "model_large", "id-1"
    found.infer_response.parameters["triton_final_response"].bool_param = not text
    if text:
        found.infer_response.outputs.add(name="text_output", datatype="BYTES", shape=[1])
        found.infer_response.raw_output_contents.append(text)
    return found.SerializeToString()


@pytest.fixture
async def decoupled(tmp_path: Path) -> AsyncIterator[Routing]:
    """A router whose models all answer by streams: two pieces and an empty end."""
    async with routing(tmp_path, sizes=DECOUPLED, deadline=LONG) as up:
        for fake in up.fakes.values():
            fake.pieces = [piece(b"one"), piece(b"two"), piece()]
        yield up


async def test_one_call_to_a_model_that_streams_gets_its_last_answer_and_the_usual_trailers(decoupled: Routing) -> None:
    large = decoupled.fakes["large-0"]
    async with decoupled.channel() as channel:
        call = infer(channel)(request_bytes(), metadata=(("x-mine", "1"), ("triton_grpc_error", "true")))
        answer = service_pb2.ModelInferResponse.FromString(await call)
        assert list(answer.raw_output_contents) == [b"two"]
        assert said(await call.trailing_metadata())["bes-size"] == "large"
    assert large.metadata[0]["x-mine"] == "1"
    assert "triton_grpc_error" not in large.metadata[0], "it can kill the server"
    assert service_pb2.ModelInferRequest.FromString(large.requests[0]).model_name == "model_large"
    assert 0.0 < large.budgets_s[0] < 5.1
    assert decoupled.dispatch.ledger.deadlines == {("large", "met"): 1}


@pytest.mark.parametrize(
    ("pieces", "code", "sentence"),
    [
        ([piece(error="broken")], grpc.StatusCode.INTERNAL, "broken"),
        ([piece()], grpc.StatusCode.INTERNAL, "the model ended without an answer"),
        ([b"\xff"], grpc.StatusCode.INTERNAL, "the server's answer cannot be read"),
    ],
)
async def test_an_error_of_a_model_that_streams_is_a_status(
    decoupled: Routing, pieces: list[bytes], code: grpc.StatusCode, sentence: str
) -> None:
    decoupled.fakes["large-0"].pieces = pieces
    async with decoupled.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(channel)(request_bytes())
    assert (caught.value.code(), caught.value.details()) == (code, sentence)


async def test_the_status_that_ends_a_stream_goes_through(decoupled: Routing) -> None:
    decoupled.fakes["large-0"].error = (grpc.StatusCode.INVALID_ARGUMENT, "no such prompt")
    async with decoupled.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(channel)(request_bytes())
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "no such prompt")


@pytest.mark.parametrize("told", ["as text", "as status"])
async def test_a_full_queue_of_a_model_that_streams_goes_to_another_size(decoupled: Routing, told: str) -> None:
    if told == "as text":
        decoupled.fakes["large-0"].pieces = [piece(error="Exceeds maximum queue size")]
    else:
        decoupled.fakes["large-0"].error = (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
    async with decoupled.channel() as channel:
        call = infer(channel)(request_bytes())
        await call
        trailers = said(await call.trailing_metadata())
    assert (trailers["bes-size"], trailers["bes-reason"]) == ("medium", "retry")


async def test_a_server_that_is_gone_is_lost_for_streams_too() -> None:
    async with FakeTriton("model_large") as fake:
        upstream = GrpcUpstream(f"127.0.0.1:{fake.port}", 1000)
        fake.pieces, fake.error = [], (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        answered = (await upstream.stream(request_bytes(), 5.0, (), None)).outcome
    gone = (await upstream.stream(request_bytes(), 5.0, (), None)).outcome
    await upstream.close(0.0)
    assert (answered.code, answered.message, answered.lost) == (Code.UNAVAILABLE, "Exceeds maximum queue size", False)
    assert (gone.code, gone.lost) == (Code.UNAVAILABLE, True)


async def test_a_client_that_goes_away_cancels_the_stream_to_the_server(decoupled: Routing) -> None:
    large = decoupled.fakes["large-0"]
    large.gate = asyncio.Event()
    async with decoupled.channel() as channel:
        call = infer(channel)(request_bytes())
        await asyncio.wait_for(large.entered.wait(), 5.0)
        call.cancel()
        await until(lambda: large.cancelled == 1)
    assert decoupled.dispatch.requests == 0


def stream(channel: grpc.aio.Channel, requests: Any = None) -> grpc.aio.StreamStreamCall[bytes, Any]:
    method = channel.stream_stream(
        f"{SERVICE}ModelStreamInfer", response_deserializer=service_pb2.ModelStreamInferResponse.FromString
    )
    return method(requests)


async def each(*bodies: bytes) -> AsyncIterator[bytes]:
    for body in bodies:
        yield body


async def test_a_stream_of_requests_is_answered_in_order_by_the_sizes_that_each_wants(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG) as up, up.channel() as channel:
        for size in SIZES:
            up.fakes[f"{size}-0"].reply = b"\x0a" + bytes([len(size)]) + size.encode()
        up.fakes["large-0"].delay_s = 0.2
        bodies = [request_bytes(**{"bes-size": size}) for size in ("large", "small", "medium", "small")]
        answers = [message async for message in stream(channel, each(*bodies))]
        assert [answer.infer_response.model_name for answer in answers] == ["large", "small", "medium", "small"]
        assert up.dispatch.ledger.deadlines.total() == 4
        assert up.dispatch.requests == 0


async def test_pieces_of_an_answer_are_passed_on_as_they_come_and_an_error_ends_no_stream(decoupled: Routing) -> None:
    async with decoupled.channel() as channel:
        call = stream(channel)
        await call.write(request_bytes())
        texts = [list((await call.read()).infer_response.raw_output_contents) for _ in range(3)]
        assert texts == [[b"one"], [b"two"], []]
        await call.write(request_bytes("stranger"))
        wrong = await call.read()
        assert "unknown model 'stranger'" in wrong.error_message
        assert wrong.infer_response.id == "id-1"
        await call.write(request_bytes())
        assert (await call.read()).infer_response.raw_output_contents == [b"one"]
        await call.done_writing()
        assert [list((await call.read()).infer_response.raw_output_contents) for _ in range(2)] == [[b"two"], []]
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_what_was_passed_on_is_not_asked_for_again_elsewhere(decoupled: Routing) -> None:
    decoupled.fakes["large-0"].pieces = [piece(b"one"), piece(error="Exceeds maximum queue size")]
    async with decoupled.channel() as channel:
        answers = [message async for message in stream(channel, each(request_bytes()))]
    assert [answer.error_message for answer in answers] == ["", "Exceeds maximum queue size"]
    assert decoupled.dispatch.ledger.decisions["medium", "retry"] == 0


async def test_a_cancelled_stream_cancels_what_is_under_way(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG) as up, up.channel() as channel:
        for fake in up.fakes.values():
            fake.gate = asyncio.Event()
        call = stream(channel)
        for _ in range(3):
            await call.write(request_bytes())
        await until(lambda: up.dispatch.requests == 3)
        call.cancel()
        await until(lambda: sum(fake.cancelled for fake in up.fakes.values()) == 3)
        assert up.dispatch.requests == 0


async def test_a_stream_has_bounds_and_the_rest_waits_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("besteffort_router.streaming.MOST_REQUESTS", 2)
    async with routing(tmp_path, deadline=LONG) as up, up.channel() as channel:
        gate = asyncio.Event()
        for fake in up.fakes.values():
            fake.gate = gate
        call = stream(channel, each(*[request_bytes()] * 5))
        await until(lambda: up.dispatch.requests == 2)
        await asyncio.sleep(0.05)
        assert up.dispatch.requests == 2
        gate.set()
        assert len([message async for message in call]) == 5


class Silent:
    """The context of a call without metadata."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> None:
        return None


async def test_a_client_that_does_not_read_makes_the_router_hold_few_answers(tmp_path: Path) -> None:
    begun = 0

    async def thousands() -> AsyncIterator[bytes]:
        nonlocal begun
        for begun in range(1, 5001):  # noqa: B007 - counts what was taken from the client
            yield request_bytes()

    async with routing(tmp_path, deadline=LONG) as up:
        exchange = Exchange(up.dispatch, up.router._backends, time.monotonic)
        answers = serve_stream(exchange, thousands(), cast("Context", Silent()))
        await anext(answers)
        for _ in range(20):
            before = begun
            await asyncio.sleep(0.05)
        assert begun == before, "it goes on although nobody reads"
        answered = sum(up.dispatch.ledger.requests.values())
        await cast("AsyncGenerator[bytes]", answers).aclose()
    # One is read, one waits to be, and one more is taken from the client before its turn.
    assert 1 < answered <= MOST_REQUESTS + 2
    assert begun <= MOST_REQUESTS + 3


async def test_pieces_that_nobody_takes_hold_no_place_beyond_the_deadline(tmp_path: Path) -> None:
    async def one() -> AsyncIterator[bytes]:
        yield request_bytes(deadline_ms=200)

    async with routing(tmp_path, sizes=DECOUPLED, deadline=LONG) as up:
        for fake in up.fakes.values():
            fake.pieces = [piece(b"\x02\x00\x00\x00ab")] * 5
        exchange = Exchange(up.dispatch, up.router._backends, time.monotonic)
        answers = serve_stream(exchange, one(), cast("Context", Silent()))
        await anext(answers)
        assert up.dispatch.requests == 1
        await until(lambda: up.dispatch.requests == 0)
        assert sum(lane.own for lane in up.dispatch.load.lanes) == 0
        await cast("AsyncGenerator[bytes]", answers).aclose()


async def test_a_surprise_in_one_request_is_answered_and_takes_no_place_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("besteffort_router.streaming.MOST_REQUESTS", 2)
    run = Exchange.run

    async def surprised(self: Exchange, arrival: Arrival, *rest: Any) -> Any:
        if b"stranger" in arrival.body:
            raise ValueError("a surprise")
        return await run(self, arrival, *rest)

    monkeypatch.setattr(Exchange, "run", surprised)
    async with routing(tmp_path, deadline=LONG) as up, up.channel() as channel:
        bodies = [request_bytes("stranger")] * 5 + [request_bytes()]
        async with asyncio.timeout(5.0):
            answers = [message async for message in stream(channel, each(*bodies))]
    assert sorted(answer.error_message for answer in answers) == [""] + ["the router failed"] * 5
    assert {answer.infer_response.id for answer in answers if answer.error_message} == {"id-1"}


async def test_an_idle_stream_does_not_hold_up_a_router_that_stops(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, stopped=True) as up, up.channel() as channel:
        call = stream(channel)
        await call.write(request_bytes())
        assert (await call.read()).infer_response.model_name == "model"
        async with asyncio.timeout(5.0):
            await up.router.stop(30.0)
        with pytest.raises(grpc.aio.AioRpcError, match="the router stops") as ended:
            await call.read()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_busy_stream_is_read_no_further_by_a_router_that_stops(tmp_path: Path) -> None:
    async with routing(tmp_path, deadline=LONG, stopped=True) as up, up.channel() as channel:
        gate = asyncio.Event()
        for fake in up.fakes.values():
            fake.gate = gate
        call = stream(channel)
        await call.write(request_bytes())
        await until(lambda: up.dispatch.requests == 1)
        stopping = asyncio.create_task(up.router.stop(30.0))
        await until(lambda: up.dispatch.draining)
        await call.write(request_bytes())
        await asyncio.sleep(0.1)
        assert up.dispatch.requests == 1
        gate.set()
        assert (await call.read()).infer_response.model_name == "model"
        with pytest.raises(grpc.aio.AioRpcError, match="the router stops") as ended:
            await call.read()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        async with asyncio.timeout(5.0):
            await stopping


async def test_a_stock_client_streams(tmp_path: Path) -> None:
    async with routing(tmp_path, sizes=DECOUPLED, deadline=LONG) as up:
        up.fakes["large-0"].pieces = [piece(b"\x02\x00\x00\x00ab")]

        async def requests() -> AsyncIterator[dict[str, Any]]:
            tensor = triton_aio.InferInput("text_input", [1], "BYTES")
            tensor._raw_content = b"\x01\x00\x00\x00a"
            yield {"model_name": "assistant", "inputs": [tensor], "request_id": "1"}

        async with triton_aio.InferenceServerClient(up.address) as client:
            found = [pair async for pair in client.stream_infer(requests())]
    assert [(result.as_numpy("text_output")[0], error) for result, error in found] == [(b"ab", None)]
