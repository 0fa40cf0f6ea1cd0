"""Small pools for the core's tests, and what a router sees of them."""

from __future__ import annotations

import numpy as np

from besteffort_core.model import Pool, Snapshot
from besteffort_core.pool import BackendSpec, Decode, Generation, SizeSpec, build_pool

TASKS = ("addition", "sorting")
SIZES = ("small", "medium", "large")


def three_sizes() -> Pool:
    """On one shared device."""
    sizes = [
        SizeSpec("small", 0.4, {"sorting": 0.5}, {1: 0.001, 8: 0.004}),
        SizeSpec("medium", 0.6, {}, {1: 0.01, 8: 0.04}),
        SizeSpec("large", 0.9, {}, {1: 0.05, 8: 0.2}),
    ]
    return build_pool(TASKS, sizes, [BackendSpec(name, "gpu0") for name in SIZES])


def gpus(devices: int, generation: Generation | None = None) -> Pool:
    """A small and a large size on each of some GPUs, where they take turns."""
    decode = Decode(64, 100_000, 1e-5, 1e-7)
    sizes = [
        SizeSpec("small", 0.45, {}, {1: 0.0033, 128: 0.0036}, decode),
        SizeSpec("large", 0.69, {}, {1: 0.0136, 128: 0.015}, decode),
    ]
    backends = [BackendSpec(size.name, f"gpu{d}") for d in range(devices) for size in sizes]
    return build_pool(("addition",), sizes, backends, turns=True, generation=generation)


def gpus_seen(pool: Pool, in_flight: list[int], rate_rps: float = 10.0) -> Snapshot:
    """All ready, and no batch under way."""
    view = snapshot(in_flight, ready=(True,) * len(in_flight), rate_rps=rate_rps)
    return view._replace(progress_s=np.zeros(pool.hosted.shape[0]))


def snapshot(in_flight: list[int], *, ready: tuple[bool, ...] = (True, True, True), rate_rps: float = 10.0) -> Snapshot:
    backends = len(in_flight)
    none, counts = np.zeros(backends, dtype=np.int64), np.array(in_flight)
    nothing_s = np.zeros(backends)
    return Snapshot(
        counts, counts, none, none, nothing_s, np.ones(backends), 1.0, nothing_s, np.array(ready), rate_rps, 0
    )  # fmt: skip
