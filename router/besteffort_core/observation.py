"""What the learned policy sees: one vector per request, in deadlines, so that it holds at any speed of the hardware.

Layout (VERSION 1), float32, for T tasks (the last one "other") and S sizes:
  T        one-hot task
  S        slack: (deadline - predicted finish) / deadline, clipped to -2..1
  S        work of one request / deadline
  S        expected quality for the task
  S        1 where a backend is ready
  S        backlog of the device / deadline, clipped to 0..4
  1        log of arrivals per deadline
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import request_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_core.model import Candidates, Pool, Request, Snapshot

__all__ = ["VERSION", "encode", "layout_hash", "observation_length"]

VERSION = 1
PER_SIZE = ("slack", "work", "quality", "ready", "backlog")


def observation_length(tasks: int, sizes: int) -> int:
    """Return the length of the vector for `tasks` named tasks and `sizes` sizes."""
    return tasks + 1 + len(PER_SIZE) * sizes + 1


def layout_hash(tasks: Sequence[str], sizes: Sequence[str]) -> str:
    """Return the SHA-256 of the layout and the names in it: equal hashes mean that each number means the same."""
    layout = {"version": VERSION, "per_size": PER_SIZE, "tasks": list(tasks), "sizes": list(sizes)}
    return hashlib.sha256(json.dumps(layout, sort_keys=True).encode()).hexdigest()


def encode(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the observation, shape (observation_length,), as laid out above."""
    tasks, sizes = pool.quality.shape
    vector = np.zeros(tasks + 5 * sizes + 1, dtype=np.float32)
    vector[request.task] = 1.0
    for i in range(sizes):
        j = candidates.backend[i]
        ready = j >= 0
        slack = (request.deadline_s - candidates.finish_s[j]) / request.deadline_s if ready else -2.0
        work = candidates.cost_s[j] if ready else request_s(pool, i, request.units)
        vector[tasks + i] = max(slack, -2.0)
        vector[tasks + sizes + i] = work / request.deadline_s
        vector[tasks + 2 * sizes + i] = pool.quality[request.task, i]
        vector[tasks + 3 * sizes + i] = 1.0 if ready else 0.0
        vector[tasks + 4 * sizes + i] = min(candidates.backlog_s[j] / request.deadline_s, 4.0) if ready else 0.0
    vector[tasks + 5 * sizes] = math.log(max(snapshot.rate_rps * request.deadline_s, 0.1))
    return vector
