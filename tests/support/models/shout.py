"""A Triton model for tests: takes `seconds` for a batch, answers prompts of up to `longest` letters in capitals.

The file `began` beside it appears when the first batch begins.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

__all__ = ["TritonPythonModel"]


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        self.seconds = float(parameters["seconds"]["string_value"])
        self.longest = int(parameters["longest"]["string_value"])

    def execute(self, requests: list[Any]) -> list[Any]:
        Path(__file__).with_name("began").touch()
        time.sleep(self.seconds)
        return [self.answered(request) for request in requests]

    def answered(self, request: Any) -> Any:
        rows = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)
        texts = [row + b"=" + (row.upper() if len(row) <= self.longest else b"?") for row in rows]
        output = np.array(texts, dtype=np.object_).reshape(-1, 1)
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("text_output", output)])
