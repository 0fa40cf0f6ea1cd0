"""Reading Triton's metrics page, and servers that misbehave."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from besteffort_router.scrape import MAX_PAGE_BYTES, ScrapeError, ended_by_model, pending_by_model, read_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PAGE = b"""# HELP nv_inference_pending_request_count Instantaneous number of pending requests awaiting execution.
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="large",version="1"} 3
nv_inference_pending_request_count{model="large",version="2"} 4
nv_inference_pending_request_count{model="small",version="1"} 0.000000
nv_inference_request_success{model="large",version="1"} 99
"""


def test_pending_requests_are_summed_over_the_versions_of_a_model() -> None:
    assert pending_by_model(PAGE) == {"large": 7, "small": 0}


def test_requests_that_ended_are_summed_whether_well_or_not_and_may_be_many() -> None:
    page = PAGE + b'nv_inference_request_failure{model="large",reason="CANCELED",version="1"} 3000000000\n'
    assert ended_by_model(page) == {"large": 3_000_000_099}
    assert ended_by_model(b"") == {}


def test_what_is_no_count_counts_as_none() -> None:
    lines = [b'nv_inference_pending_request_count{model="m%d"} %s' % pair for pair in enumerate([b"NaN", b"-3", b"x"])]
    page = b"\n".join([*lines, b'nv_inference_pending_request_count{model="m3"} 1e30'])
    assert pending_by_model(page) == {"m0": 0, "m1": 0, "m2": 0, "m3": 1_000_000}
    assert pending_by_model(b"\xff\x00garbage") == {}


@asynccontextmanager
async def http_server(*pieces: bytes, hold: bool = False) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hold:
                await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"
    finally:
        server.close()


async def test_a_page_is_read_whole_whether_the_server_closes_or_not() -> None:
    async with http_server(b"HTTP/1.0 200 OK\r\n\r\n", PAGE) as url:
        assert await read_page(url, 2.0) == PAGE
    async with http_server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"cde", hold=True) as url:
        assert await read_page(url, 2.0) == b"abcde"


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 503 no\r\n\r\n",),
        (b"",),
        (b"\x00\x01\x02",),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (MAX_PAGE_BYTES + 9)),
    ],
)
async def test_a_page_that_is_none_or_endless_is_refused(pieces: tuple[bytes, ...]) -> None:
    async with http_server(*pieces) as url:
        with pytest.raises(ScrapeError):
            await read_page(url, 2.0)


async def test_a_slow_or_absent_server_is_given_up() -> None:
    async with http_server(b"HTTP/1.1 200 OK\r\n", hold=True) as url:
        with pytest.raises(ScrapeError, match="too slow"):
            await read_page(url, 0.05)
    with pytest.raises(ScrapeError):
        await read_page("http://127.0.0.1:1/metrics", 1.0)
