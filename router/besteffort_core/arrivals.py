"""Arrival rate from past arrivals, with exponential forgetting."""

from __future__ import annotations

import math

__all__ = ["RATE_WINDOW_S", "rate_after", "rate_at"]

RATE_WINDOW_S = 1.0
"""Time constant of forgetting: short, since a burst must be seen while it can still be answered."""


def rate_at(rate_rps: float, elapsed_s: float) -> float:
    """Return the estimate `elapsed_s` after it was made, without a new arrival."""
    return rate_rps * math.exp(-max(elapsed_s, 0.0) / RATE_WINDOW_S)


def rate_after(rate_rps: float, elapsed_s: float) -> float:
    """Return the estimate after one arrival that came `elapsed_s` after the last."""
    return rate_at(rate_rps, elapsed_s) + 1.0 / RATE_WINDOW_S
