"""Discounted sums of rewards that come at any time: what a learner needs of a log. Compiled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["discounted_tail"]


def discounted_tail(
    times_s: NDArray[np.float64], values: NDArray[np.float64], at_s: NDArray[np.float64], horizon_s: float
) -> NDArray[np.float64]:
    """Return for each of `at_s` the sum of all values later than it, each times exp(-(time - at) / horizon).

    `times_s` ascends; `at_s` has any order.
    """
    n = times_s.shape[0]
    tail = np.zeros(n + 1)
    for k in range(n - 1, -1, -1):
        after = math.exp(-(times_s[k + 1] - times_s[k]) / horizon_s) if k + 1 < n else 0.0
        tail[k] = values[k] + tail[k + 1] * after
    sums = np.zeros(at_s.shape[0])
    first = np.searchsorted(times_s, at_s, side="right")
    for i in range(at_s.shape[0]):
        if first[i] < n:
            sums[i] = tail[first[i]] * math.exp(-(times_s[first[i]] - at_s[i]) / horizon_s)
    return sums
