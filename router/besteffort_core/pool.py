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

__all__ = ["BackendSpec", "SizeSpec", "build_pool"]


class SizeSpec(NamedTuple):
    """One size: its name, expected quality (0..1) and seconds by batch size."""

    name: str
    quality: float
    quality_by_task: Mapping[str, float]
    seconds_by_batch: Mapping[int, float]


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
) -> Pool:
    """Return the pool.

    Raises:
        PoolError: no size, a backend of an unknown size, or a latency table that is refused.
    """
    names = [size.name for size in sizes]
    if not sizes or len(set(names)) != len(names):
        raise PoolError("sizes: at least one is needed and their names must differ")
    unknown = sorted({backend.size for backend in backends} - set(names))
    if unknown:
        raise PoolError(f"backends: size {unknown[0]!r} is not one of {', '.join(names)}")
    quality = np.array([_qualities(sizes, task) for task in (*tasks, None)])
    devices = sorted({backend.device for backend in backends})
    batch_s, max_batch = _latency(sizes)
    return Pool(
        quality=quality,
        batch_s=batch_s,
        max_batch=max_batch,
        rank=np.argsort(-quality.mean(axis=0), kind="stable").astype(np.int64),
        size_of=np.array([names.index(backend.size) for backend in backends], dtype=np.int64),
        device_of=np.array([devices.index(backend.device) for backend in backends], dtype=np.int64),
        grace_factor=max(grace_factor, 1.0),
    )


def _qualities(sizes: Sequence[SizeSpec], task: str | None) -> list[float]:
    return [size.quality if task is None else size.quality_by_task.get(task, size.quality) for size in sizes]


def _latency(sizes: Sequence[SizeSpec]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    tables = [batch_table(size.seconds_by_batch) for size in sizes]
    batch_s = np.full((len(tables), max(map(len, tables))), np.inf)
    for row, table in zip(batch_s, tables, strict=True):
        row[: len(table)] = table
    return batch_s, np.array([len(table) - 1 for table in tables], dtype=np.int64)
