"""Policies compared on the same arrivals. Pure.

Values are arrays (loads, seeds). Seeds are the independent repetitions, so an interval is of the means over loads, one
for each seed (Student's t, 95 %); a run is one load with one seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_train.evaluation import Interval, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Paired", "over_seeds", "paired"]

TIE = 1e-9
"""Rewards closer than this differ by the order of a sum."""


@dataclass(frozen=True, slots=True)
class Paired:
    """How far one policy is ahead of another on the same requests; negative where it is behind."""

    ahead: Interval
    won: int
    """Runs in which it earned more."""
    tied: int
    runs: int

    @property
    def loses(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.ahead.mean + self.ahead.half < 0.0


def over_seeds(values: NDArray[np.float64]) -> Interval:
    """Return the mean of (loads, seeds), with its interval over seeds."""
    return interval(values.mean(axis=0))


def paired(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Paired:
    """Compare two policies run by run, both (loads, seeds)."""
    ahead = ours - theirs
    return Paired(
        over_seeds(ahead),
        won=int((ahead > TIE).sum()),
        tied=int((np.abs(ahead) <= TIE).sum()),
        runs=ahead.size,
    )
