"""`ModelStreamInfer` as clients see it: a stream of requests, each decided by itself, and what comes of them.

Whole answers keep the order of their requests; pieces of an answer are passed on as they come. Errors are messages of
the stream, as Triton's are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from besteffort_router.calls import end_call, read_call
from besteffort_router.dispatch import Reply
from besteffort_router.errors import Code
from besteffort_router.wire import stream_error, stream_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from besteffort_router.calls import Context
    from besteffort_router.exchange import Exchange

__all__ = ["serve_stream"]

MOST_REQUESTS = 64
"""Of one stream at once; the client may send the next when one has ended and its answer is on its way."""
LOOK_S = 0.25
STOPPING = Reply(Code.UNAVAILABLE, "the router stops; open another stream", ())

_LOG = logging.getLogger(__name__)


class _Stream:
    """One stream of a client."""

    def __init__(self, exchange: Exchange, context: Context) -> None:
        # One message: more would wait here, beside the bounds, for a client that does not read.
        self.out: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._exchange = exchange
        self._context = context
        self._room = asyncio.Semaphore(MOST_REQUESTS)
        self.turns: set[asyncio.Task[None]] = set()

    async def read(self, requests: AsyncIterator[bytes]) -> None:
        """Begin each request as it comes; None goes out when all have ended."""
        before = asyncio.create_task(asyncio.sleep(0))
        async for body in requests:
            if self._exchange.dispatch.draining:
                return
            await self._room.acquire()
            before = asyncio.create_task(self._turn(body, before))
            self.turns.add(before)
            before.add_done_callback(self.turns.discard)
        await asyncio.gather(*self.turns)
        await self.out.put(None)

    async def _turn(self, body: bytes, before: asyncio.Task[None]) -> None:
        """Answer one request; it counts until its answer is taken: a client that does not read gets no more begun."""
        try:
            await self._answer(body, before)
        except Exception:  # noqa: BLE001 - the outermost loop of a request: its client gets an answer, others go on
            _LOG.exception("a request of a stream failed")
            await self.out.put(stream_error("the router failed", body))
        finally:
            self._room.release()

    async def _answer(self, body: bytes, before: asyncio.Task[None]) -> None:
        """Pass on what comes of a request; a whole answer waits for the turn before it."""
        heard = False

        async def pass_on(message: bytes) -> None:
            nonlocal heard
            heard = True
            await self.out.put(message)

        arrival, metadata = read_call(body, self._context)
        reply, answer = await self._exchange.run(arrival, metadata, pass_on)
        await asyncio.wait([before])
        if reply.code is not Code.OK:
            await self.out.put(stream_error(reply.message, body))
        elif not heard and answer:
            await self.out.put(stream_reply(answer))


async def serve_stream(exchange: Exchange, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
    """Yield the messages of a stream, until its requests end or the router drains and none is under way.

    That ends it as UNAVAILABLE: a request may be on its way, and its client must know that nobody reads it.
    """
    stream = _Stream(exchange, context)
    reading = asyncio.create_task(stream.read(requests))
    try:
        while True:
            message = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    message = await stream.out.get()
                    if message is None:
                        return
            if message is not None:
                yield message
            elif exchange.dispatch.draining and not stream.turns:
                end_call(context, STOPPING)
                return
            elif reading.done():
                await reading
    finally:
        turns = [reading, *stream.turns]
        for task in turns:
            task.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
