"""The scorer that needs no training: it decides for Learned where no bundle brings one. Numbers only.

They were searched on co-located sizes of a GPU profile (decision 0011); since all that a scorer sees is relative, they
hold for other pools too.
"""

from __future__ import annotations

import numpy as np

from besteffort_core.scorer import FEATURES, MOST, OUTPUTS, Scorer

__all__ = ["GENERAL"]

WEIGHTS = {
    "log cost": (0.144, 0.0),
    "backlog": (5.189, 0.093),
    "mean backlog": (0.242, 0.0),
    "least backlog": (0.19, 0.0),
    "log load": (0.417, -0.01),
    "quality gap": (-0.427, 0.0),
    "soonest finish": (0.289, 0.0),
    "opening": (0.181, 0.01),
    "generates": (2.863 - 0.24, 0.2 - 0.126),
    "generation log cost": (-0.144, 0.0),
    "generation backlog": (2.0 - 5.189 - 0.289, -0.093),
    "generation mean backlog": (-0.432, 0.0),
    "generation log load": (0.3 - 0.417, 0.01),
    "log occupancy": (0.3, 0.0),
    "excess": (0.5, 0.0),
}
"""Of the logarithm of the price and of the margin, by feature; 0 for all others."""


def _scorer() -> Scorer:
    width, outputs = len(FEATURES), len(OUTPUTS)
    return Scorer(
        linear=np.array([WEIGHTS.get(name, (0.0, 0.0)) for name in FEATURES]),
        bias=np.array([-2.863, 0.126]),
        inner=np.zeros((width, 0)),
        inner_bias=np.zeros(0),
        outer=np.zeros((0, outputs)),
        shape=np.array([11.9, 0.172, 0.3]),
        low=np.full(width, -3.0 * MOST),
        high=np.full(width, 3.0 * MOST),
    )


GENERAL = _scorer()
