"""Ask one model of a running Triton directly: texts in, texts out, and what Triton says about itself."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Self

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from besteffort_cli.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TritonClient"]

ANSWERS_WITHIN_S = 60.0


class TritonClient:
    """One model on one server; every call raises ServerError if the server refuses it or does not answer."""

    def __init__(self, address: str, model: str) -> None:
        self._address = address
        self._model = model
        self._channel = grpc.insecure_channel(address)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def max_batch(self) -> int:
        """Return the largest batch that the model takes; one that streams is refused."""
        try:
            answer = self._stub.ModelConfig(service_pb2.ModelConfigRequest(name=self._model), timeout=ANSWERS_WITHIN_S)
        except grpc.RpcError as error:
            raise self._refused(error) from error
        if answer.config.model_transaction_policy.decoupled:
            raise ServerError(
                f"{self._model} at {self._address} streams its answers, as models of Triton's vLLM backend do, and "
                "calibrate measures those that give one. Write quality and latency under the size in the resource."
            )
        return max(1, int(answer.config.max_batch_size))

    def infer_s(self) -> tuple[int, float]:
        """Return how many inferences the model has done and the seconds that it computed for them, since its start."""
        request = service_pb2.ModelStatisticsRequest(name=self._model)
        try:
            statistics = self._stub.ModelStatistics(request, timeout=ANSWERS_WITHIN_S).model_stats[0]
        except grpc.RpcError as error:
            raise self._refused(error) from error
        return int(statistics.inference_count), statistics.inference_stats.compute_infer.ns / 1e9

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """Return the outputs for some prompts, which go as one request and run as one batch."""
        try:
            answer = self._stub.ModelInfer(self._request(prompts), timeout=ANSWERS_WITHIN_S)
        except grpc.RpcError as error:
            raise self._refused(error) from error
        outputs = _texts(answer.raw_output_contents[0]) if answer.raw_output_contents else []
        if len(outputs) != len(prompts):
            raise ServerError(
                f"{self._model} at {self._address} gave {len(outputs)} outputs for {len(prompts)} prompts."
            )
        return outputs

    def _request(self, prompts: Sequence[str]) -> service_pb2.ModelInferRequest:
        tensor = service_pb2.ModelInferRequest.InferInputTensor(
            name="text_input", datatype="BYTES", shape=[len(prompts), 1]
        )
        content = b"".join(struct.pack("<I", len(text)) + text for text in (prompt.encode() for prompt in prompts))
        output = service_pb2.ModelInferRequest.InferRequestedOutputTensor(name="text_output")
        return service_pb2.ModelInferRequest(
            model_name=self._model, inputs=[tensor], outputs=[output], raw_input_contents=[content]
        )

    def _refused(self, error: grpc.RpcError) -> ServerError:
        return ServerError(f"{self._model} at {self._address} failed: {error.details()}.")


def _texts(content: bytes) -> list[str]:
    """Read a BYTES tensor: each element after its length as 32 bits, little-endian."""
    texts, at = [], 0
    while at < len(content):
        (length,) = struct.unpack_from("<I", content, at)
        texts.append(content[at + 4 : at + 4 + length].decode(errors="replace"))
        at += 4 + length
    return texts
