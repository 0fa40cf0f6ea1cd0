"""Stock Triton clients before a real router before fake Triton servers: the protocol is Triton's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

from support.fake_triton import SERVICE
from support.router import request_bytes
from support.routing import Routing, infer, routing, said, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Routing]:
    async with routing(tmp_path) as found:
        yield found


def reply(model: str, text: bytes = b"4") -> bytes:
    found = service_pb2.ModelInferResponse(model_name=model, model_version="1", id="number-7")
    found.outputs.add(name="text_output", datatype="BYTES", shape=[1, 1])
    found.raw_output_contents.append(len(text).to_bytes(4, "little") + text)
    return found.SerializeToString()


def text_input(text: str = "2+2") -> triton.InferInput:
    tensor = triton.InferInput("text_input", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[text.encode()]], dtype=object))
    return tensor


async def test_a_stock_aio_client_gets_its_answer_and_triton_its_tensors(up: Routing) -> None:
    up.fakes["large-0"].reply = reply("model_large")
    async with triton_aio.InferenceServerClient(up.address) as client:
        parameters = {"task": "arithmetic", "deadline_ms": 250}
        result = await client.infer(
            "assistant", [text_input()], request_id="number-7", parameters=parameters, priority=1
        )
    assert result.as_numpy("text_output")[0, 0] == b"4"
    seen = service_pb2.ModelInferRequest.FromString(up.fakes["large-0"].requests[0])
    assert (seen.model_name, seen.id) == ("model_large", "number-7")
    assert seen.parameters["priority"].uint64_param == 1
    assert seen.raw_input_contents[0] == b"\x03\x00\x00\x002+2"
    assert 0.0 < up.fakes["large-0"].budgets_s[0] < 0.26


async def test_a_stock_blocking_client_is_served_as_well(up: Routing) -> None:
    up.fakes["large-0"].reply = reply("model_large")

    def ask() -> bytes:
        with triton.InferenceServerClient(up.address) as client:
            return client.infer("assistant", [text_input()]).as_numpy("text_output")[0, 0]

    assert await asyncio.to_thread(ask) == b"4"


async def test_health_and_metadata_are_those_of_one_model_on_one_server(up: Routing) -> None:
    up.fakes["large-0"].descriptions = {
        "ModelMetadata": service_pb2.ModelMetadataResponse(name="model_large", versions=["1"]).SerializeToString(),
        "ModelConfig": service_pb2.ModelConfigResponse(
            config={"name": "model_large", "max_batch_size": 8}
        ).SerializeToString(),
    }
    async with triton_aio.InferenceServerClient(up.address) as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("assistant")
        assert not await client.is_model_ready("model_large")
        assert (await client.get_server_metadata()).name == "besteffort"
        assert (await client.get_model_metadata("assistant")).name == "assistant"
        configuration = (await client.get_model_config("assistant")).config
        assert (configuration.name, configuration.max_batch_size) == ("assistant", 8)
        with pytest.raises(InferenceServerException, match="unknown model 'model_large'; this service is 'assistant'"):
            await client.get_model_metadata("model_large")
    assert up.fakes["large-0"].requests[0] == b"\x0a\x0bmodel_large"


@pytest.mark.parametrize("name", ["task", "deadline_ms", "bes-size"])
async def test_a_model_may_name_its_inputs_like_the_routers_parameters(up: Routing, name: str) -> None:
    described = service_pb2.ModelMetadataResponse(name="model_large", versions=["1"], platform="python")
    described.inputs.add(name=name, datatype="BYTES", shape=[-1, 1])
    configured = service_pb2.ModelConfigResponse(config={"name": "model_large", "input": [{"name": name}]})
    up.fakes["large-0"].descriptions = {
        "ModelMetadata": described.SerializeToString(),
        "ModelConfig": configured.SerializeToString(),
    }
    async with triton_aio.InferenceServerClient(up.address) as client:
        found = await client.get_model_metadata("assistant")
        assert (found.name, found.inputs[0].name) == ("assistant", name)
        assert (await client.get_model_config("assistant")).config.input[0].name == name


@pytest.mark.parametrize("method", ["ModelMetadata", "ModelConfig"])
async def test_a_description_that_cannot_be_read_is_one_sentence(up: Routing, method: str) -> None:
    up.fakes["large-0"].descriptions = {method: b"\xff\xff"}
    async with up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(SERVICE + method)(b"\x0a\x09assistant")
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == f"the server's answer to {method} cannot be read"


@pytest.mark.parametrize("method", ["RepositoryIndex", "SystemSharedMemoryStatus", "ModelStatistics", "Nonsense"])
async def test_what_the_router_does_not_serve_is_unimplemented(up: Routing, method: str) -> None:
    async with up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(SERVICE + method)(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("length", [0, 1, 300, 2_000_000])
async def test_bytes_go_through_unchanged_both_ways(up: Routing, length: int) -> None:
    fake = up.fakes["large-0"]
    fake.reply = bytes(range(256)) * (length // 256) + b"\xff\x00"
    body = request_bytes(tensor=bytes(reversed(range(256))) * (length // 256 + 1), custom="x")
    async with up.channel() as channel:
        assert await infer(channel)(body) == fake.reply
    assert fake.requests[0] == request_bytes("model_large")[: len(b"\x0a\x0bmodel_large")] + body[11:]


async def test_every_reply_says_what_was_chosen_and_why(up: Routing) -> None:
    async with up.channel() as channel:
        call = infer(channel)(request_bytes(task="arithmetic"))
        await call
        assert said(await call.trailing_metadata()) == {
            "bes-size": "large",
            "bes-replica": "large-0",
            "bes-reason": "best_in_time",
            "bes-policy": "Greedy",
            "bes-quality": "0.7",
        }


async def test_metadata_asks_as_parameters_do_and_a_trace_goes_through(up: Routing) -> None:
    metadata = (("bes-size", "small"), ("bes-deadline-ms", "200"), ("traceparent", "00-ab-cd-01"), ("x-tenant", "t1"))
    async with up.channel() as channel:
        call = infer(channel)(request_bytes(), metadata=metadata)
        await call
        assert said(await call.trailing_metadata())["bes-reason"] == "pinned"
    seen = up.fakes["small-0"].metadata[0]
    assert (seen["traceparent"], seen["x-tenant"]) == ("00-ab-cd-01", "t1")
    assert not [key for key in seen if key.startswith("bes-")]
    assert 0.0 < up.fakes["small-0"].budgets_s[0] < 0.21


async def test_the_clients_own_grpc_deadline_counts_when_it_says_nothing_else(up: Routing) -> None:
    async with up.channel() as channel:
        await infer(channel)(request_bytes(), timeout=0.15)
    assert 0.05 < up.fakes["large-0"].budgets_s[0] < 0.16


async def test_a_late_answer_is_cut_off_at_triton_and_said_with_trailers(up: Routing) -> None:
    up.fakes["large-0"].gate = asyncio.Event()
    async with up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(channel)(request_bytes(deadline_ms=80))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.details() == "no answer within 0.08 s"
    assert said(caught.value.trailing_metadata())["bes-size"] == "large"
    assert up.fakes["large-0"].cancelled == 1


async def test_a_client_that_cancels_cancels_at_triton(up: Routing) -> None:
    fake = up.fakes["large-0"]
    fake.gate = asyncio.Event()
    async with up.channel() as channel:
        call = infer(channel)(request_bytes(deadline_ms=5000))
        await fake.entered.wait()
        call.cancel()
        await until(lambda: fake.cancelled == 1 and up.dispatch.requests == 0)
    assert up.dispatch.ledger.deadlines == {("large", "cancelled"): 1}


async def test_an_error_of_triton_goes_through_with_its_code_and_text(up: Routing) -> None:
    up.fakes["large-0"].error = (grpc.StatusCode.INVALID_ARGUMENT, "[request id: 7] unexpected shape for 'text_input'")
    async with triton_aio.InferenceServerClient(up.address) as client:
        with pytest.raises(InferenceServerException, match="unexpected shape for 'text_input'") as caught:
            await client.infer("assistant", [text_input()])
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (request_bytes("poet"), grpc.StatusCode.NOT_FOUND, "unknown model 'poet'; this service is 'assistant'"),
        (request_bytes(deadline_ms=-5), grpc.StatusCode.INVALID_ARGUMENT, "deadline_ms: '-5' is not a positive"),
        (request_bytes(**{"bes-size": "huge"}), grpc.StatusCode.INVALID_ARGUMENT, "not one of small, medium, large"),
        (b"\xff\xfe garbage", grpc.StatusCode.INVALID_ARGUMENT, "no ModelInferRequest"),
        (request_bytes(tensor=b"x" * 9_000_000), grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
    ],
)
async def test_a_bad_request_is_refused_by_code_and_sentence(
    up: Routing, body: bytes, code: grpc.StatusCode, text: str
) -> None:
    async with up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(channel)(body)
        assert caught.value.code() is code
        assert text in (caught.value.details() or "")
        assert await infer(channel)(request_bytes())


async def test_a_client_may_ping_as_often_as_it_likes(up: Routing) -> None:
    """Spoken by hand: grpc's own client would not ping that often."""
    host, port = up.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    settings, ping = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"12345678"
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
    kinds: list[int] = []
    for _ in range(20):
        writer.write(ping)
        while not kinds or kinds[-1] != 6:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            kinds.append(head[3])
            assert head[3] != 7, "the router says GOAWAY"
        kinds.append(-1)
    writer.close()
    assert kinds.count(6) == 20


async def test_garbage_on_the_grpc_port_disturbs_nobody(up: Routing) -> None:
    host, port = up.address.split(":")

    async def shout(garbage: bytes) -> None:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(garbage)
        await writer.drain()
        writer.transport.abort()

    shouts = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 4096,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096,
        b"\x16\x03\x01",
    ]
    async with up.channel() as channel:
        for _ in range(10):
            await asyncio.gather(*map(shout, shouts), *(infer(channel)(request_bytes()) for _ in range(5)))
    assert up.dispatch.ledger.requests == {("large", "OK", "other"): 50}
