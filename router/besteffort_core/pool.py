"""Build a Pool from names and numbers, and check that they fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.errors import PoolError
from besteffort_core.latency import batch_table
from besteffort_core.model import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["BackendSpec", "Decode", "Generation", "SizeSpec", "build_pool"]

UNBOUNDED = 2**62


class Decode(NamedTuple):
    """What a profile in tokens adds: the sequences in a batch, their KV cache, and what each costs an iteration."""

    max_sequences: int
    max_context: int
    """Tokens that the KV cache of one backend holds."""
    sequence_s: float = 0.0
    """Seconds of an iteration for each sequence in it."""
    context_s: float = 0.0
    """Seconds of an iteration for each token in the KV cache."""


class Generation(NamedTuple):
    """The mean request that generates, in tokens."""

    prompt: float
    output: float


class SizeSpec(NamedTuple):
    """One size: its name, expected quality (0..1) and seconds by batch size."""

    name: str
    quality: float
    quality_by_task: Mapping[str, float]
    seconds_by_batch: Mapping[int, float]
    """Of a pass over a batch; the keys count the profile's units: requests, or tokens."""
    decode: Decode | None = None


class BackendSpec(NamedTuple):
    """One size on one replica, and the device that it computes on."""

    size: str
    device: str


def build_pool(
    tasks: Sequence[str],
    sizes: Sequence[SizeSpec],
    backends: Sequence[BackendSpec],
    *,
    grace_factor: float = 1.0,
    turns: bool = False,
    generation: Generation | None = None,
) -> Pool:
    """Return the pool; `generation` is the mean request that generates, None where none does.

    Raises:
        PoolError: no size, a backend of an unknown size, or a latency table that is refused.
    """
    names = _names(sizes, backends)
    quality = np.array([_qualities(sizes, task) for task in (*tasks, None)])
    devices = sorted({backend.device for backend in backends})
    batch_s, max_batch = _latency(sizes)
    decodes = [size.decode or Decode(int(largest), UNBOUNDED) for size, largest in zip(sizes, max_batch, strict=True)]
    return Pool(
        quality=quality,
        batch_s=batch_s,
        max_batch=max_batch,
        max_sequences=np.array([d.max_sequences for d in decodes], dtype=np.int64),
        max_context=np.array([d.max_context for d in decodes], dtype=np.int64),
        sequence_s=np.array([d.sequence_s for d in decodes]),
        context_s=np.array([d.context_s for d in decodes]),
        mean_prompt=float(generation.prompt) if generation else 0.0,
        mean_steps=float(generation.output) if generation else 0.0,
        rank=np.argsort(-quality.mean(axis=0), kind="stable").astype(np.int64),
        size_of=np.array([names.index(backend.size) for backend in backends], dtype=np.int64),
        device_of=np.array([devices.index(backend.device) for backend in backends], dtype=np.int64),
        hosted=_hosted([devices.index(backend.device) for backend in backends], len(devices)),
        grace_factor=max(grace_factor, 1.0),
        turns=turns,
    )


def _names(sizes: Sequence[SizeSpec], backends: Sequence[BackendSpec]) -> list[str]:
    """Return the names of the sizes, of which each backend has one."""
    names = [size.name for size in sizes]
    if not sizes or len(set(names)) != len(names):
        raise PoolError("sizes: at least one is needed and their names must differ")
    unknown = sorted({backend.size for backend in backends} - set(names))
    if unknown:
        raise PoolError(f"backends: size {unknown[0]!r} is not one of {', '.join(names)}")
    return names


def _hosted(device_of: Sequence[int], devices: int) -> NDArray[np.int64]:
    rows = [[j for j, device in enumerate(device_of) if device == d] for d in range(devices)]
    hosted = np.full((devices, max(map(len, rows), default=0)), -1, dtype=np.int64)
    for d, row in enumerate(rows):
        hosted[d, : len(row)] = row
    return hosted


def _qualities(sizes: Sequence[SizeSpec], task: str | None) -> list[float]:
    return [size.quality if task is None else size.quality_by_task.get(task, size.quality) for size in sizes]


def _latency(sizes: Sequence[SizeSpec]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    tables = [batch_table(size.seconds_by_batch) for size in sizes]
    batch_s = np.full((len(tables), max(map(len, tables))), np.inf)
    for row, table in zip(batch_s, tables, strict=True):
        row[: len(table)] = table
    return batch_s, np.array([len(table) - 1 for table in tables], dtype=np.int64)
