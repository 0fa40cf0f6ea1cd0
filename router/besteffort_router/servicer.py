"""`inference.GRPCInferenceService` as clients see it: raw bytes in and out.

Any method that is not here is UNIMPLEMENTED. Replies of Triton go through byte for byte: `model_name` in a ModelInfer
reply is that of the size that answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from besteffort_router.calls import end_call, read_call
from besteffort_router.dispatch import Reply
from besteffort_router.errors import Code, RequestError
from besteffort_router.streaming import serve_stream
from besteffort_router.upstream import SERVICE
from besteffort_router.wire import (
    flag_reply,
    name_field,
    name_spans,
    read_head,
    renamed,
    renamed_config,
    server_metadata_reply,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from besteffort_router.backends import Backends
    from besteffort_router.calls import Context
    from besteffort_router.exchange import Exchange

__all__ = ["Servicer"]

EXTENSIONS = ("classification", "model_configuration", "parameters", "schedule_policy")
"""Those of Triton's that mean the same through the router."""
DESCRIPTION_TIMEOUT_S = 5.0


class Servicer(grpc.GenericRpcHandler):
    """One short method for each call that clients may make."""

    def __init__(self, exchange: Exchange, backends: Backends, version: str) -> None:
        self._exchange = exchange
        self._dispatch = exchange.dispatch
        self._backends = backends
        self._version = version
        methods = {
            "ModelInfer": self.infer,
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
            "ServerMetadata": self.server_metadata,
            "ModelReady": self.model_ready,
            "ModelMetadata": self.model_metadata,
            "ModelConfig": self.model_config,
        }
        self._handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            SERVICE + name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()
        }
        self._handlers[SERVICE + "ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self.infer_stream)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return the handler of a method, None where there is none."""
        return self._handlers.get(handler_call_details.method)

    async def infer(self, body: bytes, context: Context) -> bytes:
        """Answer a request by the size and replica that the policy chooses."""
        reply, answer = await self._exchange.run(*read_call(body, context))
        return end_call(context, reply, answer)

    async def infer_stream(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Answer each request of a stream likewise."""
        async for message in serve_stream(self._exchange, requests, context):
            yield message

    async def server_live(self, _body: bytes, _context: Context) -> bytes:
        """Say that the router runs."""
        return flag_reply(value=True)

    async def server_ready(self, _body: bytes, _context: Context) -> bytes:
        """Say whether some size is ready to answer."""
        return flag_reply(value=self._dispatch.ready())

    async def server_metadata(self, _body: bytes, _context: Context) -> bytes:
        """Say who answers and what it can do."""
        return server_metadata_reply("besteffort", self._version, EXTENSIONS)

    async def model_ready(self, body: bytes, context: Context) -> bytes:
        """Say whether the served model can answer; no other model can."""
        try:
            name = read_head(body).model_name
        except RequestError as error:
            return end_call(context, Reply(error.code, str(error), ()))
        return flag_reply(value=self._dispatch.ready() and name == self._dispatch.settings.model_name)

    async def model_metadata(self, body: bytes, context: Context) -> bytes:
        """Describe the tensors, as the best ready size does, under the served name."""
        return await self._describe("ModelMetadata", body, context)

    async def model_config(self, body: bytes, context: Context) -> bytes:
        """Return the configuration of the best ready size, under the served name."""
        return await self._describe("ModelConfig", body, context)

    async def _describe(self, method: str, body: bytes, context: Context) -> bytes:
        served = self._dispatch.settings.model_name
        try:
            head = read_head(body)
        except RequestError as error:
            return end_call(context, Reply(error.code, str(error), ()))
        if head.model_name != served:
            message = f"name: unknown model {head.model_name[:100]!r}; this service is {served!r}"
            return end_call(context, Reply(Code.NOT_FOUND, message, ()))
        backend = self._dispatch.reference()
        if backend is None:
            return end_call(context, Reply(Code.UNAVAILABLE, "no server of any size is ready", ()))
        question = renamed(body, head.own_spans, name_field(backend.model))
        answer = await self._backends.call(backend.replica, method, question, DESCRIPTION_TIMEOUT_S, ())
        if answer.outcome.code is not Code.OK:
            return end_call(context, Reply(answer.outcome.code, answer.outcome.message, ()))
        return _renamed_description(method, answer.body, served, context)


def _renamed_description(method: str, body: bytes, served: str, context: Context) -> bytes:
    try:
        if method == "ModelConfig":
            return renamed_config(body, served)
        return renamed(body, name_spans(body), name_field(served))
    except RequestError:
        return end_call(context, Reply(Code.INTERNAL, f"the server's answer to {method} cannot be read", ()))
