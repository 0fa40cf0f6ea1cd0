"""A Triton model around another, in served.py: what it does, and a line in batches.csv for each batch.

The line says when the batch began and ended, how many of its requests were not cancelled, and its processor seconds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from served import TritonPythonModel as Served  # Triton puts the version directory on the path.

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TritonPythonModel"]


class TritonPythonModel(Served):
    """What Triton's Python backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the list of batches."""
        super().initialize(args)
        self.batches = (Path(args["model_repository"]) / args["model_version"] / "batches.csv").open("a", buffering=1)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer the batch, and note it."""
        began_s, before_s = time.monotonic(), time.process_time()
        wanted = sum(not request.is_cancelled() for request in requests)
        answers: list[Any] = super().execute(requests)
        if wanted:
            busy_s = time.process_time() - before_s
            self.batches.write(f"{began_s:.6f},{time.monotonic():.6f},{wanted},{busy_s:.6f}\n")
        return answers

    def finalize(self) -> None:
        """Close what was opened."""
        self.batches.close()
