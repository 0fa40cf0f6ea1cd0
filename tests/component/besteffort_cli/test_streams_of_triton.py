"""A router before a real Triton whose model is decoupled: what the fake pretends elsewhere, seen on the real one."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

from besteffort_cli.cores import split_cores
from besteffort_cli.errors import ServerError
from besteffort_cli.triton import TritonServer
from besteffort_cli.triton_client import TritonClient
from support.routing import Routing, routing, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from besteffort_cli.installation import TritonInstallation

pytestmark = pytest.mark.triton

MODEL = Path(__file__).parents[2] / "support" / "models" / "pieces.py"
CONFIG = """\
name: "pieces"
backend: "python"
model_transaction_policy { decoupled: True }
input [{ name: "text_input" data_type: TYPE_STRING dims: [1] }]
output [{ name: "text_output" data_type: TYPE_STRING dims: [1] }]
instance_group [{ kind: KIND_CPU count: 1 }]
"""
SIZES = [
    {
        "name": "large",
        "model": "pieces",
        "quality": 0.8,
        "latency": [{"batch": 1, "seconds": 0.01}],
        "decoupled": True,
    }
]


@contextmanager
def served(triton: TritonInstallation, folder: Path) -> Iterator[TritonServer]:
    model = folder / "repository" / "pieces"
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(CONFIG)
    shutil.copy(MODEL, model / "1" / "model.py")
    (folder / "server").mkdir()
    server = TritonServer("test", triton, {"pieces": model}, folder=folder / "server", cores=split_cores().servers)
    server.start()
    try:
        server.wait_until_ready(threading.Event())
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(triton: TritonInstallation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    with served(triton, tmp_path_factory.mktemp("decoupled")) as found:
        yield found


@pytest.fixture
async def up(server: TritonServer, tmp_path: Path) -> AsyncIterator[Routing]:
    backend = {"name": "large-0", "address": server.address, "metricsUrl": server.metrics_url, "sizes": ["large"]}
    deadline = {"defaultS": 10, "maxS": 10}
    async with routing(tmp_path, sizes=SIZES, tasks=[], backends=[backend], deadline=deadline) as found:
        yield found


@pytest.fixture
async def client(up: Routing) -> AsyncIterator[triton_aio.InferenceServerClient]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(triton_aio.InferenceServerClient(up.address))


def tensor(text: str) -> triton_aio.InferInput:
    found = triton_aio.InferInput("text_input", [1], "BYTES")
    found.set_data_from_numpy(np.array([text.encode()], dtype=object))
    return found


async def test_a_plain_call_gets_the_last_piece(client: triton_aio.InferenceServerClient) -> None:
    result = await client.infer("assistant", [tensor("one two")])
    assert result.as_numpy("text_output")[0] == b"TWO"


async def test_the_model_gets_the_parameters_that_are_not_the_routers(client: triton_aio.InferenceServerClient) -> None:
    sent = {"deadline_ms": 5000, "task": "sorting", "bes-size": "large", "max_tokens": 7}
    result = await client.infer("assistant", [tensor("parameters")], parameters=sent)
    assert json.loads(result.as_numpy("text_output")[0].lower()) == {"max_tokens": 7}


def test_calibration_refuses_a_model_that_streams(server: TritonServer) -> None:
    with TritonClient(server.address, "pieces") as asking, pytest.raises(ServerError, match="streams its answers"):
        asking.max_batch()


@pytest.mark.parametrize("prompt", ["INVALID_ARG", "one UNAVAILABLE two", "one UNAVAILABLE UNAVAILABLE"])
@pytest.mark.parametrize("headers", [{}, {"triton_grpc_error": "true"}])
async def test_an_error_of_the_model_is_told_and_the_server_lives_on(
    client: triton_aio.InferenceServerClient, prompt: str, headers: dict[str, str]
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        await client.infer("assistant", [tensor(prompt)], headers=headers)
    assert (caught.value.status(), caught.value.message()) == ("StatusCode.INTERNAL", "as asked for")
    result = await client.infer("assistant", [tensor("one")])
    assert result.as_numpy("text_output")[0] == b"ONE"


async def test_a_stream_through_the_router_is_that_of_the_server(client: triton_aio.InferenceServerClient) -> None:
    async def requests() -> AsyncIterator[dict[str, object]]:
        for number, text in enumerate(("one two", "UNKNOWN", "three")):
            yield {"model_name": "assistant", "inputs": [tensor(text)], "request_id": f"{number}"}

    found = [
        (None if result is None else result.as_numpy("text_output")[0], error and error.message())
        async for result, error in client.stream_infer(requests())
    ]
    assert sorted(found, key=str) == [(None, "as asked for"), (b"ONE", None), (b"THREE", None), (b"TWO", None)]


async def test_a_client_that_goes_away_is_noticed_by_the_model(server: TritonServer, up: Routing) -> None:
    async with triton_aio.InferenceServerClient(up.address) as client:
        asking = asyncio.ensure_future(client.infer("assistant", [tensor("slow")]))
        await until(lambda: up.dispatch.requests == 1)
        await asyncio.sleep(0.2)
        asking.cancel()
        await until(lambda: any(server._folder.rglob("cancelled")))
