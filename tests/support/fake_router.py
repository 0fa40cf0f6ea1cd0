"""A gRPC server that stands for the router: what it does with a request is what the request's task says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import grpc
from tritonclient.grpc import service_pb2

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SERVICE = "inference.GRPCInferenceService"
ANSWER = (("bes-size", "small"), ("bes-reason", "learned"), ("bes-quality", "0.25"), ("bes-replica", "0"))


class FakeRouter:
    """Answers, refuses, hangs or fails by task; calls `on_request` with the running number of each request."""

    def __init__(self, on_request: Callable[[FakeRouter, int], None] | None = None) -> None:
        self.seen: list[service_pb2.ModelInferRequest] = []
        self._on_request = on_request
        self._stopping = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(16))
        methods = {
            "ModelInfer": grpc.unary_unary_rpc_method_handler(self._infer),
            "ServerLive": grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"\x08\x01"),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.die().wait()

    def die(self) -> threading.Event:
        self._stopping.set()
        stopped: threading.Event = self._server.stop(0)
        return stopped

    def _infer(self, data: bytes, context: grpc.ServicerContext) -> bytes:
        request = service_pb2.ModelInferRequest.FromString(data)
        self.seen.append(request)
        if self._on_request:
            self._on_request(self, len(self.seen))
        act = getattr(self, "_" + request.parameters["task"].string_param)
        reply: bytes = act(context)
        return reply

    def _right(self, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(ANSWER)
        return reply_with(b"1+1=2")

    def _wrong(self, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(ANSWER)
        return reply_with(b"3")

    def _garbage(self, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(ANSWER)
        return b"\xff\xff"

    def _refused(self, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("bes-refused", "hopeless"), ("retry-pushback-ms", "100")))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "hopeless")

    def _draining(self, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("bes-refused", "draining"),))
        context.abort(grpc.StatusCode.UNAVAILABLE, "draining")

    def _failed(self, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.INTERNAL, "broken")

    def _late(self, _context: grpc.ServicerContext) -> bytes:
        self._stopping.wait(30)
        return b""


def reply_with(text: bytes) -> bytes:
    message = service_pb2.ModelInferResponse(
        model_name="assistant",
        outputs=[
            service_pb2.ModelInferResponse.InferOutputTensor(name="text_output", datatype="BYTES", shape=[1, 1]),
        ],
        raw_output_contents=[len(text).to_bytes(4, "little") + text],
    )
    data: bytes = message.SerializeToString()
    return data
