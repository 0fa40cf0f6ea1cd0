"""How evenly a policy serves: reward in windows of time, by arrival. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ASKED", "second_by_second", "window_shares"]

ASKED = ((10.0, 0.96), (10.0, 0.98), (1.0, 0.96), (1.0, 0.98))
"""Seconds of a window, and the part of its peak that it must reach."""
_ROUNDING = 1e-9


def window_shares(
    arrival_s: NDArray[np.float64], reward: NDArray[np.float64], peak: NDArray[np.float64]
) -> tuple[float, ...]:
    """Return for each of `ASKED` the share of the windows whose requests earn at least that part of their peak.

    A window holds what arrives in it; one in which nothing arrives is left out.
    """
    return tuple(_share(arrival_s, reward, peak, *asked) for asked in ASKED)


def _share(
    arrival_s: NDArray[np.float64], reward: NDArray[np.float64], peak: NDArray[np.float64], width_s: float, part: float
) -> float:
    window = (arrival_s / width_s).astype(np.int64)
    best = np.bincount(window, peak)
    earned = np.bincount(window, reward, minlength=best.size)
    busy = best > 0
    return float((earned[busy] >= part * best[busy] - _ROUNDING).mean()) if busy.any() else 0.0


def second_by_second(arrival_s: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the sum of the values of what arrives in each second."""
    return tuple(np.bincount(arrival_s.astype(np.int64), values).round(4).tolist())
