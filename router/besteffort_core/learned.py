"""The learned policy: a two-hidden-layer Q-network in numpy, and the range that it was trained in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.observation import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Candidates, Pool, Request, Snapshot

__all__ = ["Network", "best_ready", "choose_learned", "in_range", "q_values"]


class Network(NamedTuple):
    """Weights (in, out) and biases of the three layers, and the least and greatest observation seen in training."""

    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]
    w3: NDArray[np.float32]
    b3: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


def q_values(network: Network, observation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the expected return of each size, shape (sizes,), for one observation."""
    hidden = np.maximum(np.dot(observation, network.w1) + network.b1, np.float32(0.0))
    hidden = np.maximum(np.dot(hidden, network.w2) + network.b2, np.float32(0.0))
    values: NDArray[np.float32] = np.dot(hidden, network.w3) + network.b3
    return values


def in_range(network: Network, observation: NDArray[np.float32]) -> bool:
    """Tell whether every number of the observation lies within what training saw."""
    return bool(np.all(observation >= network.low) and np.all(observation <= network.high))


def best_ready(values: NDArray[np.float32], candidates: Candidates) -> int:
    """Return the backend of the ready size with the greatest value, -1 if none is ready."""
    best, best_value = -1, -np.inf
    for size in range(values.shape[0]):
        if candidates.backend[size] >= 0 and values[size] > best_value:
            best, best_value = candidates.backend[size], values[size]
    return int(best)


def choose_learned(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, network: Network) -> int:
    """Return the backend of the ready size with the greatest Q-value, -1 if none is ready."""
    return best_ready(q_values(network, encode(request, candidates, pool, snapshot)), candidates)
