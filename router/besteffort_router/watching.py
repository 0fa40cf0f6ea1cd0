"""Streams that tell a client what holds now and each change of it. Few at a time: each holds a call open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from besteffort_router.dispatch import Dispatch

    Context = grpc.aio.ServicerContext[bytes, bytes]

__all__ = ["MOST", "Watching"]

MOST = 64
LOOK_S = 0.25


class Watching:
    """All such streams of a router."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._open = 0

    async def follow(self, say: Callable[[], bytes], context: Context) -> AsyncIterator[bytes]:
        """Yield what `say` returns whenever that changes, until the router drains.

        One stream too many is UNIMPLEMENTED: who asks for health takes that as "no need to ask".
        """
        if self._open >= MOST:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"more than {MOST} streams of this kind; ask by calls")
        self._open += 1
        try:
            last: bytes | None = None
            while True:
                ending, said = self._dispatch.draining, say()
                if said != last:
                    yield said
                last = said
                if ending:
                    return
                await asyncio.sleep(LOOK_S)
        finally:
            self._open -= 1
