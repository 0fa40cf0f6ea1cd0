"""What a GPU takes for each size, and how well each size answers: the published numbers, and ours where there are none.

The numbers lie in `data/`, each with its source; docs/evaluation.md says how they were derived.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from importlib.resources import files

from besteffort_core.pool import Decode, SizeSpec
from besteffort_study.errors import StudyError

__all__ = ["PROFILES", "TASKS", "Profile", "Roofline", "gpu_profile", "qualities", "size_spec", "tensor_parallel"]

PROFILES = ("a100_roofline", "h100_public")
TASKS = ("hellaswag", "piqa", "lambada", "arc_easy")
USABLE_MEMORY = 0.9
"""Share of a GPU's memory that a server gives to weights and KV cache, as vLLM does."""
BYTES = 2
"""Of a number in half precision."""


@dataclass(frozen=True, slots=True)
class Roofline:
    """Seconds of one iteration of a size on one GPU, in tokens.

    overhead_s + max(weights_s, units x unit_s) + sequences x sequence_s + tokens in the KV cache x context_s
    """

    size: str
    overhead_s: float
    weights_s: float
    """To read all weights once."""
    unit_s: float
    sequence_s: float
    context_s: float
    max_units: int
    max_sequences: int
    weights_bytes: float
    context_bytes: float
    """In the KV cache for each token."""
    layers: int
    width: int
    ours: str
    """Which of the numbers are not published but ours."""

    def seconds_by_units(self) -> dict[int, float]:
        """Return the seconds of one pass over each number of units."""
        return {u: self.overhead_s + max(self.weights_s, u * self.unit_s) for u in range(1, self.max_units + 1)}


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of GPU: its memory, its link to a neighbour, and the sizes on it from the smallest up."""

    name: str
    memory_bytes: float
    link_bytes_s: float
    """Bytes per second that two GPUs exchange, each way."""
    link_s: float
    """Seconds before the first byte of an exchange."""
    source: str
    sizes: tuple[Roofline, ...]


def gpu_profile(name: str) -> Profile:
    """Return a profile that is part of the study.

    Raises:
        StudyError: there is none of that name.
    """
    if name not in PROFILES:
        raise StudyError(f"profile {name!r} is not one of {', '.join(PROFILES)}")
    gpu = next(row for row in _rows("gpus.csv") if row["profile"] == name)
    shapes = {row["size"]: row for row in _rows("sizes.csv")}
    sizes = tuple(_roofline(row, shapes[row["size"]]) for row in _rows("rooflines.csv") if row["profile"] == name)
    memory_bytes = USABLE_MEMORY * float(gpu["memory_bytes"])
    return Profile(name, memory_bytes, float(gpu["link_bytes_s"]), float(gpu["link_s"]), gpu["source"], sizes)


def _roofline(row: dict[str, str], shape: dict[str, str]) -> Roofline:
    layers, width = int(shape["layers"]), int(shape["width"])
    return Roofline(
        size=row["size"],
        overhead_s=float(row["overhead_s"]),
        weights_s=float(row["weights_s"]),
        unit_s=float(row["unit_s"]),
        sequence_s=float(row["sequence_s"]),
        context_s=float(row["context_s"]),
        max_units=int(row["max_units"]),
        max_sequences=int(row["max_sequences"]),
        weights_bytes=BYTES * float(shape["parameters"]),
        context_bytes=2.0 * BYTES * layers * width,
        layers=layers,
        width=width,
        ours=row["ours"],
    )


def tensor_parallel(profile: Profile, size: Roofline) -> Roofline:
    """Return a size split over two GPUs of a profile: half the work each, and two exchanges per layer.

    Each exchange adds the activations of both, width x 2 bytes per token, over the link. The formula is ours.
    """
    exchanges = 2 * size.layers
    return replace(
        size,
        overhead_s=size.overhead_s + exchanges * profile.link_s,
        weights_s=0.5 * size.weights_s,
        unit_s=0.5 * size.unit_s + exchanges * BYTES * size.width / profile.link_bytes_s,
        context_s=0.5 * size.context_s,
        weights_bytes=0.5 * size.weights_bytes,
        context_bytes=0.5 * size.context_bytes,
        ours="all that concerns the split",
    )


def qualities(size: str, tasks: tuple[str, ...] = TASKS) -> dict[str, float]:
    """Return the accuracy of a size by task, 0..1.

    Raises:
        StudyError: the table has no such task for that size.
    """
    table = {
        row["task"]: float(row["accuracy_percent"]) / 100.0 for row in _rows("quality.csv") if row["model"] == size
    }
    missing = [task for task in tasks if task not in table]
    if missing:
        raise StudyError(f"quality of {size!r} on {missing[0]!r} is not in the table; it has {', '.join(table)}")
    return {task: table[task] for task in tasks}


def size_spec(size: Roofline, max_context: int) -> SizeSpec:
    """Return a size as a pool takes it, with room for so many tokens in its KV cache."""
    quality = qualities(size.size)
    decode = Decode(size.max_sequences, max_context, size.sequence_s, size.context_s)
    return SizeSpec(size.size, sum(quality.values()) / len(quality), quality, size.seconds_by_units(), decode)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("besteffort_study").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
