"""The paper's policy: a Q-network with two hidden layers on exactly the paper's state, and the range it was trained in.

Layout, float32, for T tasks (the last one "other") and S sizes; scaling and network widths are ours, not the paper's:
  T        one-hot task
  S        log(1 + requests in flight) of each size, over all its backends: its current batch
  1        log(1 + arrivals per second)
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_core.model import Candidates, Pool, Request, Snapshot

__all__ = ["Network", "best_ready", "in_range", "layout_hash", "observe", "q_values", "state_length"]

LAYOUT = ("task one-hot", "log(1 + requests in flight) of each size", "log(1 + arrivals per second)")


class Network(NamedTuple):
    """Weights (in, out) and biases of the three layers, and the least and greatest state seen in training."""

    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]
    w3: NDArray[np.float32]
    b3: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


def state_length(tasks: int, sizes: int) -> int:
    """Return the length of the state for `tasks` named tasks and `sizes` sizes."""
    return tasks + 1 + sizes + 1


def layout_hash(tasks: Sequence[str], sizes: Sequence[str]) -> str:
    """Return the SHA-256 of the layout and the names in it: equal hashes mean that each number means the same."""
    layout = {"layout": LAYOUT, "tasks": list(tasks), "sizes": list(sizes)}
    return hashlib.sha256(json.dumps(layout, sort_keys=True).encode()).hexdigest()


def observe(request: Request, pool: Pool, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the state, shape (state_length,), as laid out above."""
    tasks, sizes = pool.quality.shape
    in_flight = np.zeros(sizes, dtype=np.int64)
    for j in range(pool.size_of.shape[0]):
        in_flight[pool.size_of[j]] += snapshot.in_flight[j]
    vector = np.zeros(tasks + sizes + 1, dtype=np.float32)
    vector[request.task] = 1.0
    for i in range(sizes):
        vector[tasks + i] = math.log(1.0 + in_flight[i])
    vector[tasks + sizes] = math.log(1.0 + snapshot.rate_rps)
    return vector


def q_values(network: Network, state: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the expected return of each size, shape (sizes,), for one state."""
    hidden = np.maximum(np.dot(state, network.w1) + network.b1, np.float32(0.0))
    hidden = np.maximum(np.dot(hidden, network.w2) + network.b2, np.float32(0.0))
    values: NDArray[np.float32] = np.dot(hidden, network.w3) + network.b3
    return values


def in_range(network: Network, state: NDArray[np.float32]) -> bool:
    """Tell whether every number of the state lies within what training saw."""
    return bool(np.all(state >= network.low) and np.all(state <= network.high))


def best_ready(values: NDArray[np.float32], candidates: Candidates) -> int:
    """Return the backend of the ready size with the greatest value, -1 if none is ready."""
    best, best_value = -1, -np.inf
    for size in range(values.shape[0]):
        if candidates.backend[size] >= 0 and values[size] > best_value:
            best, best_value = candidates.backend[size], values[size]
    return int(best)
