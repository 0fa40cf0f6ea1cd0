"""Emulated GPU servers on this machine: their profile, their model repository, and the stack that runs them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.stack import LocalStack
from besteffort_resource.profile import SECONDS_DIGITS, Profile
from besteffort_resource.quantities import decimal_text
from besteffort_resource.size import BatchLatency

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_resource.router_config import BackendAddress

__all__ = [
    "MEAN_TOKENS",
    "SIZES",
    "SLOWED",
    "EmulatedSize",
    "EmulatedStack",
    "overslept_s",
    "profiles",
    "write_repository",
]

HERE = Path(__file__).parent
SLOWED = 5.0
"""All of it so many times slower than the GPU, so that what Python and Triton add is small against it."""
MEAN_TOKENS = 150
OVERSLEPT = 5
"""The column of batches.csv, see model.py."""


@dataclass(frozen=True)
class EmulatedSize:
    """Seconds of a batch on a GPU: fixed_s + max(least_s, token_s x tokens)."""

    name: str
    fixed_s: float
    least_s: float
    """What it takes to read the weights."""
    token_s: float
    most: int
    """Requests in a batch."""

    def seconds(self, tokens: float) -> float:
        """Return what a batch takes here, slowed."""
        return SLOWED * (self.fixed_s + max(self.least_s, self.token_s * tokens))


# Roofline of an A100 (312 TFLOP/s, 2 TB/s); the batches are what 2048, 1024 and 512 tokens hold.
SIZES = (
    EmulatedSize("small", 0.0032, 0.00016, 3.2e-6, 13),
    EmulatedSize("medium", 0.0044, 0.0016, 18.5e-6, 6),
    EmulatedSize("large", 0.0052, 0.0084, 78e-6, 3),
)

CONFIG = """\
name: "{size.name}"
backend: "python"
max_batch_size: {size.most}
input [{{ name: "text_input" data_type: TYPE_STRING dims: [1] }}]
output [{{ name: "text_output" data_type: TYPE_STRING dims: [1] }}]
dynamic_batching {{}}
instance_group [{{ kind: KIND_CPU count: 1 }}]
parameters [
  {{ key: "fixed_s" value: {{ string_value: "{fixed_s}" }} }},
  {{ key: "least_s" value: {{ string_value: "{least_s}" }} }},
  {{ key: "token_s" value: {{ string_value: "{token_s}" }} }},
  {{ key: "slot" value: {{ string_value: "{slot}" }} }}
]
"""


class EmulatedStack(LocalStack):
    """Servers with a device each, as those on GPUs have."""

    @property
    def backends(self) -> tuple[BackendAddress, ...]:
        """Return where every server answers."""
        return tuple(replace(backend, device=backend.name) for backend in super().backends)


def profiles() -> dict[str, Profile]:
    """Return what the router believes: the seconds of batches of requests of mean length."""
    return {size.name: Profile(latency=_latency(size)) for size in SIZES}


def _latency(size: EmulatedSize) -> list[BatchLatency]:
    seconds = {batch: size.seconds(MEAN_TOKENS * batch) for batch in range(1, size.most + 1)}
    return [
        BatchLatency(batch=batch, seconds=decimal_text(took_s, digits=SECONDS_DIGITS))
        for batch, took_s in seconds.items()
    ]


def write_repository(root: Path) -> Path:
    """Write the models of all sizes and return the folder that holds them."""
    for slot, size in enumerate(SIZES):
        version = root / size.name / "1"
        version.mkdir(parents=True)
        for module in ("model.py", "device.py"):
            shutil.copy(HERE / module, version / module)
        values = {name: SLOWED * getattr(size, name) for name in ("fixed_s", "least_s", "token_s")}
        (root / size.name / "config.pbtxt").write_text(CONFIG.format(size=size, slot=slot, **values))
    return root


def overslept_s(folder: Path) -> NDArray[np.float64]:
    """Return by how many seconds each batch so far slept too long, in the folder of a stack."""
    paths = folder.glob("*/models/*/1/batches.csv")
    return np.concatenate([np.loadtxt(path, delimiter=",", ndmin=2, usecols=OVERSLEPT) for path in paths]).ravel()
