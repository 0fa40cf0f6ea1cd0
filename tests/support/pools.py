"""A small pool for the core's tests: three sizes on one shared device."""

from __future__ import annotations

import numpy as np

from besteffort_core.model import Pool, Snapshot
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool

TASKS = ("addition", "sorting")
SIZES = ("small", "medium", "large")


def three_sizes() -> Pool:
    sizes = [
        SizeSpec("small", 0.4, {"sorting": 0.5}, {1: 0.001, 8: 0.004}),
        SizeSpec("medium", 0.6, {}, {1: 0.01, 8: 0.04}),
        SizeSpec("large", 0.9, {}, {1: 0.05, 8: 0.2}),
    ]
    return build_pool(TASKS, sizes, [BackendSpec(name, "gpu0") for name in SIZES])


def snapshot(in_flight: list[int], *, ready: tuple[bool, ...] = (True, True, True), rate_rps: float = 10.0) -> Snapshot:
    backends = len(in_flight)
    none, counts = np.zeros(backends, dtype=np.int64), np.array(in_flight)
    return Snapshot(counts, counts, none, np.zeros(backends), np.ones(backends), np.array(ready), rate_rps, 0)
