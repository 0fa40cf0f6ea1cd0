"""`grpc.health.v1.Health`: whether the router, and the service that it offers, takes requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from besteffort_router.errors import RequestError
from besteffort_router.upstream import SERVICE
from besteffort_router.wire import read_head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from besteffort_router.dispatch import Dispatch
    from besteffort_router.watching import Context, Watching

__all__ = ["Health"]

SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"
SERVED = ("", SERVICE.strip("/"))
"""The whole server, and its one service."""


class Health(grpc.GenericRpcHandler):
    """Answers Check and Watch."""

    def __init__(self, dispatch: Dispatch, watching: Watching) -> None:
        self._dispatch = dispatch
        self._watching = watching
        self._handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(self.check),
            "/grpc.health.v1.Health/Watch": grpc.unary_stream_rpc_method_handler(self.watch),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return the handler of a method, None where there is none."""
        return self._handlers.get(handler_call_details.method)

    async def check(self, body: bytes, context: Context) -> bytes:
        """Say whether a service takes requests now; NOT_FOUND for one that is not here."""
        said = self._of(await _service_in(body, context))
        if said == SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"service: here are only '' and {SERVED[1]!r}")
        return said

    async def watch(self, body: bytes, context: Context) -> AsyncIterator[bytes]:
        """Say so now and at each change."""
        name = await _service_in(body, context)
        async for said in self._watching.follow(lambda: self._of(name), context):
            yield said

    def _of(self, name: str) -> bytes:
        if name not in SERVED:
            return SERVICE_UNKNOWN
        return SERVING if self._dispatch.ready() else NOT_SERVING


async def _service_in(body: bytes, context: Context) -> str:
    try:
        return read_head(body).model_name
    except RequestError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        raise
