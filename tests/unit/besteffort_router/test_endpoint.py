"""The small HTTP server, asked properly and improperly."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from besteffort_router.endpoint import Endpoint, Page
from besteffort_router.errors import StartError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGES = {"/metrics": Page(lambda: b"m 1\n"), "/readyz": Page(lambda: b"no\n", lambda: False)}


@asynccontextmanager
async def endpoint() -> AsyncIterator[int]:
    found = Endpoint(PAGES)
    port = await found.start("127.0.0.1", 0)
    try:
        yield port
    finally:
        await found.close()


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK", b"m 1\n"),
        (b"GET /metrics?x=1 HTTP/1.0", b"200 OK", b"m 1\n"),
        (b"GET /readyz HTTP/1.1", b"503 Service Unavailable", b"no\n"),
        (b"GET / HTTP/1.1", b"404 Not Found", b""),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed", b""),
        (b"\xff\xfe", b"404 Not Found", b""),
    ],
)
async def test_a_path_is_answered(request_line: bytes, status: bytes, body: bytes) -> None:
    async with endpoint() as port:
        answer = await ask(port, request_line + b"\r\nHost: x\r\n\r\n")
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert content == body


@pytest.mark.parametrize("garbage", [b"", b"GET", b"x" * 100_000])
async def test_garbage_gets_no_answer_and_the_next_one_is_served(garbage: bytes) -> None:
    async with endpoint() as port:
        with suppress(ConnectionResetError):
            assert await ask(port, garbage) == b""
        assert b"200 OK" in await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    async with endpoint() as port:
        with pytest.raises(StartError, match=f"--metrics 127.0.0.1:{port}: cannot listen there"):
            await Endpoint(PAGES).start("127.0.0.1", port)
