"""A very small HTTP server for probes and metrics: GET of fixed paths, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from besteffort_router.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Endpoint", "Page"]

MAX_HEAD_BYTES = 8192
TIMEOUT_S = 5.0
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class Page:
    """What a path answers, computed when it is asked for."""

    def __init__(
        self, content: Callable[[], bytes], ok: Callable[[], bool] = lambda: True, content_type: str = PLAIN
    ) -> None:
        """`ok` False makes it a 503."""
        self.content = content
        self.ok = ok
        self.content_type = content_type


class Endpoint:
    """The HTTP server."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            StartError: the port is taken or the address is not ours.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise StartError(f"--metrics {host}:{port}: cannot listen there ({error.strerror})") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that goes away, dawdles or sends no HTTP concerns nobody else.
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b"\r\n", 1)[0]))
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> bytes:
        """Return the response to a request line."""
        method, _, rest = line.decode("latin-1").partition(" ")
        page = self._pages.get(rest.partition(" ")[0].partition("?")[0])
        if page is None or method != "GET":
            status = HTTPStatus.NOT_FOUND if page is None else HTTPStatus.METHOD_NOT_ALLOWED
            return _response(status, b"", PLAIN)
        status = HTTPStatus.OK if page.ok() else HTTPStatus.SERVICE_UNAVAILABLE
        return _response(status, page.content(), page.content_type)


def _response(status: HTTPStatus, body: bytes, content_type: str) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
