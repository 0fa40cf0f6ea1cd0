"""The Triton model of every demo size: text in, text out, one batch of requests at a time.

It only translates between Triton and `generation`; a bad or cancelled request gets its own error, alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import triton_python_backend_utils as pb_utils
from generation import Generator, PromptError  # Triton puts the version directory on the path.

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TritonPythonModel"]


class TritonPythonModel:
    """What Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the ONNX file that lies beside this one."""
        self.generator = Generator(Path(args["model_repository"]) / args["model_version"] / "model.onnx")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer every request; the rows of all sound ones are generated together."""
        read = [self._read(request) for request in requests]
        prompts = [prompt for one in read if isinstance(one, list) for prompt in one]
        outputs = iter(self.generator.complete(prompts) if prompts else [])
        return [
            _response([next(outputs) for _ in one]) if isinstance(one, list) else pb_utils.InferenceResponse(error=one)
            for one in read
        ]

    def _read(self, request: Any) -> list[str] | Any:  # noqa: ANN401
        """Return the prompts of one request, or the error that answers it."""
        if request.is_cancelled():
            return pb_utils.TritonError("the request was cancelled", pb_utils.TritonError.CANCELLED)
        try:
            rows = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)
            prompts = [bytes(row).decode() for row in rows]
            for prompt in prompts:
                self.generator.check(prompt)
        except UnicodeDecodeError:
            return pb_utils.TritonError("text_input is not UTF-8", pb_utils.TritonError.INVALID_ARG)
        except PromptError as error:
            return pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
        return prompts


def _response(outputs: list[str]) -> Any:  # noqa: ANN401
    texts = np.array([text.encode() for text in outputs], dtype=np.object_).reshape(-1, 1)
    return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("text_output", texts)])
