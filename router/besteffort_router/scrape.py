"""Read from a Triton server's metrics page how many requests wait there and have ended, within bounds."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from besteffort_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ScrapeError", "ended_by_model", "pending_by_model", "read_page"]

MAX_PAGE_BYTES = 4 * 1024 * 1024
MOST_PENDING, MOST_ENDED = 1_000_000, 2**53
_PENDING = re.compile(rb'^nv_inference_pending_request_count\{[^}\n]*?model="([^"\n]*)"[^}\n]*\} (\S+)', re.MULTILINE)
_ENDED = re.compile(
    rb'^nv_inference_request_(?:success|failure)\{[^}\n]*?model="([^"\n]*)"[^}\n]*\} (\S+)', re.MULTILINE
)
_HEADER_END = b"\r\n\r\n"


class ScrapeError(RouterError):
    """A metrics page cannot be read."""


def pending_by_model(page: bytes) -> Mapping[str, int]:
    """Return the pending requests by model, over all its versions; what is no number counts as 0."""
    return _by_model(_PENDING, page, MOST_PENDING)


def ended_by_model(page: bytes) -> Mapping[str, int]:
    """Return the requests that ended since the server began, well or not, by model; empty where it does not say."""
    return _by_model(_ENDED, page, MOST_ENDED)


def _by_model(pattern: re.Pattern[bytes], page: bytes, most: int) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for name, value in pattern.findall(page):
        model = name.decode(errors="replace")
        found[model] = found.get(model, 0) + _count(value, most)
    return found


async def read_page(url: str, timeout_s: float) -> bytes:
    """Return the body of an http page of at most 4 MiB.

    Raises:
        ScrapeError: not reachable, too slow, too large, or not status 200.
    """
    parts = urlsplit(url)
    path = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
    try:
        async with asyncio.timeout(timeout_s):
            page = await _fetch(parts.hostname or "", parts.port or 80, f"{path} HTTP/1.0\r\nHost: {parts.netloc}")
    except (OSError, TimeoutError, ValueError) as error:
        raise ScrapeError(f"{url}: {str(error) or 'too slow'}") from error
    head, _, body = page.partition(_HEADER_END)
    if b" 200 " not in head.partition(b"\r\n")[0] + b" " or len(page) > MAX_PAGE_BYTES:
        raise ScrapeError(f"{url}: no page of status 200 and at most {MAX_PAGE_BYTES} bytes")
    return body


async def _fetch(host: str, port: int, request: str) -> bytes:
    """Return the whole answer, or the first bytes of one that is too large. HTTP/1.0: nothing comes in chunks."""
    reader, writer = await asyncio.open_connection(host, port, limit=2**18)
    page = bytearray()
    try:
        writer.write(f"GET {request}\r\n\r\n".encode())
        while len(page) <= MAX_PAGE_BYTES and (piece := await reader.read(2**18)):
            page += piece
            if _is_whole(page):
                break
    finally:
        writer.close()
    return bytes(page)


def _is_whole(page: bytearray) -> bool:
    """Tell whether all that Content-Length promises is there: some servers keep the connection open."""
    head, end, body = page.partition(_HEADER_END)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d{1,9})", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def _count(value: bytes, most: int) -> int:
    try:
        return int(min(max(float(value), 0.0), most))
    except ValueError:
        return 0
