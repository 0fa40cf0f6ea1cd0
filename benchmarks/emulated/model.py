"""The Triton model of an emulated GPU: it sleeps for as long as a profile says that a batch of so many tokens takes.

A request's text_input is the number of its tokens; its answer says that it is emulated. Every batch leaves a line in
batches.csv beside this file: when it began, requests, tokens, seconds of work, seconds taken, seconds overslept.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import triton_python_backend_utils as pb_utils
from device import Device  # Triton puts the version directory on the path.

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TritonPythonModel"]


class TritonPythonModel:
    """What Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the profile from the parameters; all models of a server share the device beside their folders."""
        given = json.loads(args["model_config"])["parameters"]
        self.fixed_s, self.least_s, self.token_s, slot = (
            float(given[name]["string_value"]) for name in ("fixed_s", "least_s", "token_s", "slot")
        )
        repository = Path(args["model_repository"])
        self.device = Device(repository.parent / "device", int(slot))
        self.batches = (repository / args["model_version"] / "batches.csv").open("a", buffering=1)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Sleep for the batch of those that are not cancelled, then answer all."""
        began_s = time.monotonic()
        tokens = [int(row) for request in requests if not request.is_cancelled() for row in _rows(request)]
        if tokens:
            work_s = self.fixed_s + max(self.least_s, self.token_s * sum(tokens))
            overslept_s = self.device.compute(work_s)
            taken_s = time.monotonic() - began_s
            self.batches.write(
                f"{began_s:.6f},{len(tokens)},{sum(tokens)},{work_s:.6f},{taken_s:.6f},{overslept_s:.6f}\n"
            )
        return [_response(request) for request in requests]

    def finalize(self) -> None:
        """Close what was opened."""
        self.batches.close()


def _rows(request: Any) -> Any:  # noqa: ANN401
    return pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)


def _response(request: Any) -> Any:  # noqa: ANN401
    output = np.array([[b"emulated"]] * len(_rows(request)), dtype=np.object_)
    return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("text_output", output)])
