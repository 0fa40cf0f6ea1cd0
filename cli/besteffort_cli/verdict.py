"""Two lines that say what a contest showed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.record import Outcome
from besteffort_cli.report import interval, paired_ratio
from besteffort_resource.service import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_cli.contest import Score
    from besteffort_cli.record import Record
    from besteffort_cli.table import Result

__all__ = ["verdict"]

WINDOW_S = 1.0
STEP_S = 0.25


def verdict(scores: Sequence[Score]) -> list[str]:
    """Say what the first policy earned against the static sizes and the simplest good rule, and how it did it."""
    first = scores[0]
    static = [score.result() for score in scores if score.contestant.static_size]
    price = [score.result() for score in scores[1:] if score.contestant.kind is PolicyKind.PRICE]
    return [_earned(first.result(), static, price), _bent(first)]


def _earned(first: Result, static: Sequence[Result], price: Sequence[Result]) -> str:
    """Compare with the best static size, with the static size of the best quality, and with Price."""
    best = max(static, key=_reward)
    largest = max(static, key=lambda result: interval(result.values("mean_quality")).mean)
    named = {f"the best static size ({best.name})": best} | ({} if largest is best else {largest.name: largest})
    named |= {other.name: other for other in price}
    ratios = ", ".join(f"{_times(first, other)} what {name} earned" for name, other in named.items())
    availability = interval(first.values("availability")).mean
    return f"{first.name} answered {availability:.1%} in time and earned {ratios}."


def _reward(result: Result) -> float:
    return interval(result.values("reward")).mean


def _times(first: Result, other: Result) -> str:
    ratio = paired_ratio(first.values("reward"), other.values("reward"))
    if ratio is None:
        return f"{_reward(first):.3f} against {_reward(other):.3f}, not comparable as a ratio, of"
    return (
        f"{ratio[0]:.2f} times (95 % {ratio[1]:.2f} to {ratio[2]:.2f})"
        if np.isfinite(ratio[2])
        else f"{ratio[0]:.2f} times"
    )


def _bent(first: Score) -> str:
    """Contrast the sizes that answered in the calmest and in the busiest quarter of the time that had requests."""
    records = first.turn().records
    offsets_s = np.sort([record.offset_s for record in records])
    at_s = np.array([record.offset_s for record in records])
    around = np.searchsorted(offsets_s, at_s + WINDOW_S / 2) - np.searchsorted(offsets_s, at_s - WINDOW_S / 2)
    instants_s = np.arange(offsets_s[0], offsets_s[-1] + STEP_S, STEP_S)
    seen = np.searchsorted(offsets_s, instants_s + WINDOW_S / 2) - np.searchsorted(offsets_s, instants_s - WINDOW_S / 2)
    low, high = np.percentile(seen[seen > 0], (25, 75))
    high = max(high, low + 1)
    lull = _sizes([r for r, rate in zip(records, around, strict=True) if rate <= low])
    burst = _sizes([r for r, rate in zip(records, around, strict=True) if rate >= high])
    return f"In the calmest quarter of the time it answered with {lull}; in the busiest with {burst}."


def _sizes(records: Sequence[Record]) -> str:
    sizes = [record.size for record in records if record.outcome is Outcome.IN_TIME]
    shares = {size: sizes.count(size) / max(len(records), 1) for size in sorted(set(sizes))}
    named = [f"{size} {share:.0%}" for size, share in sorted(shares.items(), key=lambda item: -item[1])]
    return ", ".join([*named, f"not in time {max(0.0, 1 - sum(shares.values())):.1%}"])
