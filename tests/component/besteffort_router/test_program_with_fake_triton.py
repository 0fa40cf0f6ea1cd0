"""The router as a program: what it says and writes, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
import urllib.request
from typing import TYPE_CHECKING

import grpc
import pytest

from support.fake_triton import FakeTriton
from support.router import config, request_bytes, write
from support.routing import backends, infer

if TYPE_CHECKING:
    from pathlib import Path


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
