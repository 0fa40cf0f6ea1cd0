"""Networks and policy bundles with random weights."""

from __future__ import annotations

import numpy as np

from besteffort_core.bundle import Bundle
from besteffort_core.dqn import Network, state_length
from besteffort_core.scorer import FEATURES, OUTPUTS, Scorer
from support.pools import SIZES, TASKS


def random_network(length: int, seed: int = 0, hidden: int = 16) -> Network:
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return Network(
        weights(length, hidden),
        weights(hidden),
        weights(hidden, hidden),
        weights(hidden),
        weights(hidden, len(SIZES)),
        weights(len(SIZES)),
        np.full(length, -10, np.float32),
        np.full(length, 10, np.float32),
    )


def random_dqn(seed: int = 0) -> Network:
    return random_network(state_length(len(TASKS), len(SIZES)), seed)


def random_scorer(seed: int = 0, hidden: int = 4) -> Scorer:
    rng, width, outputs = np.random.default_rng(seed), len(FEATURES), len(OUTPUTS)
    return Scorer(
        linear=0.3 * rng.normal(size=(width, outputs)),
        bias=np.array([-1.0, 0.1]),
        inner=rng.normal(size=(width, hidden)),
        inner_bias=rng.normal(size=hidden),
        outer=0.3 * rng.normal(size=(hidden, outputs)),
        shape=np.array([10.0, 0.2, 0.3]),
        low=np.full(width, -10.0),
        high=np.full(width, 10.0),
    )


def random_bundle(seed: int = 0, network: Scorer | Network | None = None) -> Bundle:
    network = network or random_scorer(seed)
    return Bundle(network, np.array([-1.0, 0.5, 2.0, 0.1]), np.array([0.2, 0.5]), TASKS, SIZES, {"seed": seed}, {})
