"""Choose the part of a trace, and its speed, that tests a pool: lulls fit its best size, bursts exceed the middle one.

Pure. Only arrival rates and capacities are looked at, never what a policy would earn. What is done to the real
arrivals, in this order: (1) a window is sped up by one factor; (2) a gap without arrivals lasts at most
LONGEST_GAP_S; (3) arrivals above the highest rate wait their turn, as behind a rate limiter, so that a burst gets
longer instead of higher. Every arrival of the window stays, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["Levels", "Window", "choose_window", "levels"]

LONGEST_GAP_S = 1.0
_BIN_S = 1.0
_STEP_S = 0.25
_BURST_SHARE = 0.08  # of the highest rate: what may come at once; the rest of it is the sustained rate
_FACTORS = np.geomspace(2.0, 120.0, 60)
_STARTS = 200


class Levels(NamedTuple):
    """Rates in requests/s that divide lulls, bursts and what is never reached."""

    lull: float
    """The slowest size can carry this."""
    over: float
    """The next to fastest size can carry this."""
    burst: float
    """From here on it is a burst."""
    peak: float
    """Never exceeded in any second."""


@dataclass(frozen=True)
class Window:
    """Arrivals cut from a trace, how they were cut, and what they look like in windows of one second."""

    arrivals_s: NDArray[np.float64]
    start_s: float
    factor: float
    length_s: float
    levels: Levels
    lull_share: float
    over_share: float
    burst_share: float
    mean_rps: float
    peak_rps: float
    sustained_rps: float
    """The highest mean over two seconds."""

    def sentence(self) -> str:
        """Say what was chosen and what it looks like."""
        return (
            f"{len(self.arrivals_s)} requests in {self.length_s:g} s, from {self.start_s:.0f} s of the trace on, "
            f"{self.factor:.1f} times as fast: mean {self.mean_rps:.0f}/s, peak {self.peak_rps:.0f}/s "
            f"({self.sustained_rps:.0f}/s over two seconds); {self.lull_share:.0%} of the time within the "
            f"{self.levels.lull:.0f}/s of the slowest size, {self.over_share:.0%} above the {self.levels.over:.0f}/s "
            f"of the next to fastest.{self._shortfall()}"
        )

    def _shortfall(self) -> str:
        if self.levels.peak > self.levels.over:
            return ""
        return f" No burst exceeds that one: raise --peak-rps above {self.levels.over:.0f}."


def levels(capacities_rps: Mapping[str, float], cap_rps: float) -> Levels:
    """Derive the levels from what each size can carry, in requests/s.

    Raises:
        InputError: fewer than two sizes, or a capacity that is not positive.
    """
    rates = sorted(capacities_rps.values())
    if len(rates) < 2 or rates[0] <= 0:  # noqa: PLR2004 - a choice needs two
        raise InputError("A window needs at least two sizes with positive capacities; calibrate the sizes first.")
    over = rates[-2]
    peak = min(cap_rps, 0.7 * rates[-1], 2.0 * over)
    return Levels(rates[0], over, min(1.5 * over, 0.85 * peak), peak)


def choose_window(
    arrivals_s: NDArray[np.float64], capacities_rps: Mapping[str, float], *, length_s: float, cap_rps: float = 350.0
) -> Window:
    """Return the window whose lulls and whose bursts both last long: the lesser of their shares is greatest.

    Raises:
        InputError: the trace is too short for any window.
    """
    wanted = levels(capacities_rps, cap_rps)
    windows = _windows(arrivals_s, wanted, length_s)
    best = max(windows, key=lambda w: (min(w.lull_share, w.burst_share), w.lull_share + w.burst_share), default=None)
    if best is None:
        raise InputError(f"The trace is too short for a window of {length_s:g} s; give a longer one.")
    return best


def _windows(arrivals_s: NDArray[np.float64], wanted: Levels, length_s: float) -> Iterator[Window]:
    most = int(wanted.peak * (length_s + _BIN_S)) + 2
    for factor in _FACTORS:
        for start_s in np.linspace(0.0, arrivals_s[-1], _STARTS, endpoint=False):
            first = int(np.searchsorted(arrivals_s, start_s))
            shaped_s = _shaped(arrivals_s[first : first + most] / factor, wanted.peak)
            if shaped_s[-1] >= length_s:
                cut_s = shaped_s[: int(np.searchsorted(shaped_s, length_s))]
                yield _measured(cut_s, start_s=float(start_s), factor=float(factor), length_s=length_s, wanted=wanted)


def _shaped(times_s: NDArray[np.float64], peak_rps: float) -> NDArray[np.float64]:
    """Shorten gaps, then hold back what is above the peak: a token bucket as a running maximum."""
    free_s = np.cumsum(np.minimum(np.diff(times_s, prepend=times_s[0]), LONGEST_GAP_S))
    turn_s = np.arange(len(free_s)) / ((1 - _BURST_SHARE) * peak_rps)
    depth_s = _BURST_SHARE / (1 - _BURST_SHARE)
    held_s: NDArray[np.float64] = np.maximum.accumulate(free_s - turn_s)
    held_s += turn_s - depth_s
    np.maximum(free_s, held_s, out=held_s)
    return held_s


def _measured(
    arrivals_s: NDArray[np.float64], *, start_s: float, factor: float, length_s: float, wanted: Levels
) -> Window:
    rates = _sliding_rps(arrivals_s, length_s, _BIN_S)
    return Window(
        arrivals_s=arrivals_s,
        start_s=start_s,
        factor=factor,
        length_s=length_s,
        levels=wanted,
        lull_share=float(((rates > 0) & (rates <= wanted.lull)).mean()),
        over_share=float((rates > wanted.over).mean()),
        burst_share=float((rates >= wanted.burst).mean()),
        mean_rps=len(arrivals_s) / length_s,
        peak_rps=float(rates.max()),
        sustained_rps=float(_sliding_rps(arrivals_s, length_s, 2 * _BIN_S).max()),
    )


def _sliding_rps(arrivals_s: NDArray[np.float64], length_s: float, bin_s: float) -> NDArray[np.float64]:
    """Count arrivals in bins that overlap, as requests/s."""
    left_s = np.arange(0.0, max(length_s - bin_s, 0.0) + 1e-9, _STEP_S)
    counts = np.searchsorted(arrivals_s, left_s + bin_s) - np.searchsorted(arrivals_s, left_s)
    return counts.astype(np.float64) / bin_s
