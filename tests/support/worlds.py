"""Hand-made pools, worlds and workloads for the simulator's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_sim.model import Workload, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_core.model import Pool


def pool_of(*seconds_by_batch: Mapping[int, float], grace_factor: float = 1.0, devices: Sequence[str] = ()) -> Pool:
    """One backend a size, all on one device unless named; quality rises with the index."""
    count = len(seconds_by_batch)
    names = [f"size{i}" for i in range(count)]
    sizes = [SizeSpec(names[i], (i + 1) / (count + 1), {}, table) for i, table in enumerate(seconds_by_batch)]
    backends = [BackendSpec(names[i], devices[i] if devices else "device") for i in range(count)]
    return build_pool((), sizes, backends, grace_factor=grace_factor)


def world_of(pool: Pool, *, overhead_s: float = 0.0, slowness: float = 1.0, max_requests: int = 512) -> World:
    ready = np.ones(pool.size_of.size, dtype=np.bool_)
    return World(np.full(pool.max_batch.size, slowness), ready, overhead_s, max_requests)


def workload_of(arrival_s: Sequence[float], deadline_s: float | Sequence[float] = 1.0) -> Workload:
    """Without noise, all of the only task "other"."""
    times_s = np.asarray(arrival_s, dtype=np.float64)
    n = times_s.size
    return Workload(
        times_s,
        np.zeros(n, dtype=np.int64),
        np.broadcast_to(np.asarray(deadline_s, np.float64), (n,)).copy(),
        np.ones(n),
        np.ones(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.zeros(n),
        np.empty(0),
        np.zeros(n, dtype=np.int64),
    )
