"""A fake Triton server: real grpc.aio, raw bytes, made-up answers. Run as a program it prints its port and serves."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Self

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SERVICE = "/inference.GRPCInferenceService/"
READY, NOT_READY = b"\x08\x01", b""


class FakeTriton(grpc.GenericRpcHandler):
    """Serves `models` as told by its attributes, which a test may change at any time."""

    def __init__(self, *models: str, reply: bytes = b"\x0a\x05model", host: str = "127.0.0.1", port: int = 0) -> None:
        self.models = set(models)
        self.host = host
        self.reply = reply
        self.delay_s = 0.0
        self.error: tuple[grpc.StatusCode, str] | None = None
        self.errors: dict[str, tuple[grpc.StatusCode, str]] = {}
        self.descriptions: dict[str, bytes] = {}
        self.pieces: list[bytes] | None = None
        """ModelStreamInferResponses; with any the model is decoupled."""
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.requests: list[bytes] = []
        self.metadata: list[dict[str, str]] = []
        self.budgets_s: list[float] = []
        self.cancelled = 0
        self.port = port

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> int:
        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]
        self._server = grpc.aio.server(options=options)
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port(f"{self.host}:{self.port}")
        await self._server.start()
        return self.port

    async def stop(self) -> None:
        await self._server.stop(None)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method.removeprefix(SERVICE)
        handlers = {"ModelReady": self._ready, "ModelInfer": self._infer}
        if method in self.descriptions:
            return grpc.unary_unary_rpc_method_handler(self._describe(method))
        if method == "ModelStreamInfer":
            return grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(handlers[method]) if method in handlers else None

    async def _ready(self, request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
        return READY if request[2:].decode() in self.models else NOT_READY

    def _describe(self, method: str) -> Callable[..., Awaitable[bytes]]:
        async def answer(request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
            self.requests.append(request)
            return self.descriptions[method]

        return answer

    async def _stream(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        async for request in requests:
            await self._infer(request, context)
            for piece in self.pieces or ():
                yield piece

    async def _infer(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.budgets_s.append(context.time_remaining())
        self.entered.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        error = next((self.errors[name] for name in self.errors if name.encode() in request[:40]), self.error)
        if error is not None:
            await context.abort(*error)
        return self.reply


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--delay-s", type=float, default=0.0)
    arguments = parser.parse_args()
    fake = FakeTriton(*arguments.models)
    fake.delay_s = arguments.delay_s
    fake.requests = fake.metadata = fake.budgets_s = _Forgetful()
    print(await fake.start(), flush=True)  # noqa: T201 - the port, for whoever started it
    await asyncio.Event().wait()


class _Forgetful(list):
    def append(self, _item: object) -> None:
        """Keep nothing: a program may serve for long."""


if __name__ == "__main__":
    asyncio.run(main())
