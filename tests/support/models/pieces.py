"""A decoupled Triton model for tests: answers each word of a prompt in capitals, one answer for each.

A prompt that begins with an error's name (INVALID_ARG, UNAVAILABLE) ends with that error; `slow` waits to be cancelled;
`parameters` is answered by those of the request, which vLLM takes for its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

__all__ = ["TritonPythonModel"]


class TritonPythonModel:
    def execute(self, requests: list[Any]) -> None:
        for request in requests:
            words = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)[0].decode().split()
            sender = request.get_response_sender()
            for word in words:
                if word == "slow":
                    self.wait(request)
                sender.send(self.answered(request.parameters() if word == "parameters" else word))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def answered(self, word: str) -> Any:
        code = getattr(pb_utils.TritonError, word, None) if word.isupper() else None
        if code is not None:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError("as asked for", code))
        output = np.array([word.upper()], dtype=np.object_)
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("text_output", output)])

    def wait(self, request: Any) -> None:
        for _ in range(100):
            if request.is_cancelled():
                Path(__file__).with_name("cancelled").touch()
                return
            time.sleep(0.05)
