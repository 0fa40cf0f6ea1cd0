"""Between prompts and the bytes of Triton's gRPC protocol. It sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from besteffort_cli.dataset import Row

__all__ = [
    "INFER",
    "MODEL_READY",
    "SERVER_LIVE",
    "Trailers",
    "infer_request",
    "read_trailers",
    "ready_request",
    "says_ready",
    "text_output",
]

INFER = "/inference.GRPCInferenceService/ModelInfer"
SERVER_LIVE = "/inference.GRPCInferenceService/ServerLive"
MODEL_READY = "/inference.GRPCInferenceService/ModelReady"
_LENGTH_BYTES = 4  # Triton writes the length of a BYTES element before it, as 32 bits, little-endian.


class Trailers(NamedTuple):
    """What the router says about a request in trailing metadata."""

    size: str = ""
    reason: str = ""
    quality: float = 0.0
    refused: str = ""


def read_trailers(metadata: Iterable[tuple[str, str | bytes]] | None) -> Trailers:
    """Pick the router's words out of trailing metadata; a server that is no router says nothing."""
    said = {key: value for key, value in metadata or () if isinstance(value, str)}
    try:
        quality = float(said.get("bes-quality", "0"))
    except ValueError:
        quality = 0.0
    return Trailers(said.get("bes-size", ""), said.get("bes-reason", ""), quality, said.get("bes-refused", ""))


def ready_request(model_name: str) -> bytes:
    """Serialise the question whether a model can answer."""
    serialised: bytes = service_pb2.ModelReadyRequest(name=model_name).SerializeToString()
    return serialised


def says_ready(reply: bytes) -> bool:
    """Read the answer to `ready_request`."""
    return bool(service_pb2.ModelReadyResponse.FromString(reply).ready)


def infer_request(model_name: str, row: Row, deadline_s: float) -> bytes:
    """Serialise the request that asks for one prompt within a deadline."""
    prompt = row.prompt.encode()
    message = service_pb2.ModelInferRequest(
        model_name=model_name,
        inputs=[service_pb2.ModelInferRequest.InferInputTensor(name="text_input", datatype="BYTES", shape=[1, 1])],
        outputs=[service_pb2.ModelInferRequest.InferRequestedOutputTensor(name="text_output")],
        raw_input_contents=[len(prompt).to_bytes(_LENGTH_BYTES, "little") + prompt],
    )
    message.parameters["task"].string_param = row.task
    message.parameters["deadline_ms"].int64_param = max(1, round(deadline_s * 1000))
    serialised: bytes = message.SerializeToString()
    return serialised


def text_output(reply: bytes | None) -> str | None:
    """Return the text in a reply, None if it holds none.

    grpc.aio gives no reply at all, and no error, when a deadline passes between status and message.
    """
    if reply is None:
        return None
    try:
        message = service_pb2.ModelInferResponse.FromString(reply)
    except DecodeError:
        return None
    for output, raw in zip(message.outputs, message.raw_output_contents, strict=False):
        if output.name == "text_output":
            return bytes(raw[_LENGTH_BYTES:]).decode(errors="replace")
    return None
