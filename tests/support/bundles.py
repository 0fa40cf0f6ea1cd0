"""Policy bundles with random weights."""

from __future__ import annotations

import numpy as np

from besteffort_core.bundle import Bundle
from besteffort_core.learned import Network
from besteffort_core.observation import observation_length
from support.pools import SIZES, TASKS


def random_bundle(seed: int = 0, hidden: int = 16) -> Bundle:
    rng = np.random.default_rng(seed)
    length = observation_length(len(TASKS), len(SIZES))

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    network = Network(
        weights(length, hidden),
        weights(hidden),
        weights(hidden, hidden),
        weights(hidden),
        weights(hidden, len(SIZES)),
        weights(len(SIZES)),
        np.full(length, -10, np.float32),
        np.full(length, 10, np.float32),
    )
    return Bundle(network, np.array([-1.0, 0.5, 2.0, 0.1]), np.array([0.2, 0.5]), TASKS, SIZES, {"seed": seed}, {})
