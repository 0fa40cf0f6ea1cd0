"""The scorer that needs no training: it decides for Learned where no bundle brings one. Numbers only.

They were searched on co-located sizes of a GPU profile (decision 0011); since all that a scorer sees is relative, they
hold for other pools too.
"""

from __future__ import annotations

import numpy as np

from besteffort_core.scorer import FEATURES, MOST, OUTPUTS, Scorer

__all__ = ["GENERAL"]

WEIGHTS = {
    "finish": (0.07, 0.003),
    "log cost": (0.174, 0.0),
    "backlog": (5.682, 0.098),
    "mean backlog": (0.194, 0.001),
    "least backlog": (0.377, -0.018),
    "log load": (0.736, -0.01),
    "quality gap": (-0.672, -0.012),
    "soonest finish": (0.368, 0.0),
    "opening": (0.344, 0.005),
    "generates": (3.033, 0.07),
    "generation log cost": (-0.067, 0.002),
    "generation backlog": (-3.857, -0.118),
    "generation mean backlog": (-0.142, -0.012),
    "generation log load": (-0.423, 0.016),
    "round": (0.076, 0.009),
    "round after": (-0.122, 0.018),
    "log occupancy": (0.228, -0.009),
    "excess": (0.518, 0.006),
    "harm": (0.0, -0.004),
}
"""Of the logarithm of the price and of the margin, by feature."""


def _scorer() -> Scorer:
    width, outputs = len(FEATURES), len(OUTPUTS)
    return Scorer(
        linear=np.array([WEIGHTS[name] for name in FEATURES]),
        bias=np.array([-3.194, 0.116]),
        inner=np.zeros((width, 0)),
        inner_bias=np.zeros(0),
        outer=np.zeros((0, outputs)),
        shape=np.array([12.34, 0.184, 0.26]),
        low=np.full(width, -3.0 * MOST),
        high=np.full(width, 3.0 * MOST),
    )


GENERAL = _scorer()
