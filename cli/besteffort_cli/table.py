"""Figures as a table: cells for any medium, a rich table for a terminal, plain values for JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table

from besteffort_cli.report import Summary, interval, paired_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Result", "as_json", "as_table", "cells", "headings"]


@dataclass(frozen=True)
class Result:
    """One policy's rounds; several results are compared with the first, round by round."""

    name: str
    rounds: tuple[Summary, ...]

    def values(self, field: str) -> list[float]:
        """Return one field's value of each round."""
        return [float(getattr(summary, field)) for summary in self.rounds]


def headings(results: Sequence[Result]) -> list[str]:
    """Name the columns that `cells` fills."""
    plain = ["policy", "offered", "in time", "refused", "late", "failed", "availability", "quality", "reward"]
    compared = [f"{results[0].name} earns"] if len(results) > 1 else []
    cancelled = ["cancelled"] if _interrupted(results) else []
    return plain[:6] + cancelled + plain[6:] + compared + ["p50 ms", "p99 ms", "sizes"]


def cells(results: Sequence[Result]) -> list[list[str]]:
    """Return one row of texts for each result: counts over all rounds, shares as mean and 95 % interval."""
    counts = ["offered", "in_time", "refused", "late", "failed"] + ["cancelled"] * _interrupted(results)
    return [
        [
            result.name,
            *(f"{sum(result.values(field)):,.0f}" for field in counts),
            _share(result, "availability", "{:.1%}".format, "{:.1f}".format),
            _share(result, "mean_quality", "{:.3f}".format, lambda half: f"{half / 100:.3f}"),
            _share(result, "reward", "{:.3f}".format, lambda half: f"{half / 100:.3f}"),
            *([_compared(results[0], result)] if len(results) > 1 else []),
            f"{1000 * interval(result.values('p50_s')).mean:.0f}",
            f"{1000 * interval(result.values('p99_s')).mean:.0f}",
            _sizes(result),
        ]
        for result in results
    ]


def _interrupted(results: Sequence[Result]) -> bool:
    return any(summary.cancelled for result in results for summary in result.rounds)


def _share(result: Result, field: str, mean: Callable[[float], str], half_percent: Callable[[float], str]) -> str:
    found = interval(result.values(field))
    spread = f" ± {half_percent(100 * found.half)}" if math.isfinite(found.half) else ""
    return mean(found.mean) + spread


def _compared(first: Result, other: Result) -> str:
    """Say how many times the other's reward the first one earns."""
    if other is first:
        return ""
    ratio = paired_ratio(first.values("reward"), other.values("reward"))
    if ratio is None:
        return "-"
    mean, low, high = ratio
    return f"{mean:.2f} x ({low:.2f} to {high:.2f})" if math.isfinite(high) else f"{mean:.2f} x"


def _sizes(result: Result) -> str:
    """Name the sizes by their share of the answers in time, over all rounds."""
    names = sorted({size for summary in result.rounds for size in summary.size_shares})
    shares = {name: interval([summary.size_shares.get(name, 0.0) for summary in result.rounds]).mean for name in names}
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda s: -s[1]) if name)


def as_table(results: Sequence[Result], title: str) -> Table:
    """Draw the results for a terminal, a column for each policy, so that 80 characters are enough for four."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, padding=(0, 1, 0, 0))
    names, *lines = zip(headings(results), *cells(results), strict=True)
    table.add_column("", no_wrap=True)
    for number, name in enumerate(names[1:]):
        style = "bold" if number == 0 and len(results) > 1 else ""
        table.add_column(name, justify="right", overflow="fold", style=style, header_style=style)
    for line in lines:
        table.add_row(*line)
    return table


def as_json(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return what `json.dumps` takes: each policy's rounds in full, the means with intervals, the paired ratio."""
    shares = ("availability", "mean_quality", "reward", "expected_reward")
    return [
        {
            "policy": result.name,
            "rounds": [asdict(summary) for summary in result.rounds],
            "means": {field: _as_json_interval(result.values(field)) for field in shares},
            "reward_of_first_over_this": paired_ratio(results[0].values("reward"), result.values("reward"))
            if len(result.rounds) > 1
            else None,
        }
        for result in results
    ]


def _as_json_interval(values: Sequence[float]) -> dict[str, float | None]:
    found = interval(values)
    return {"mean": found.mean, "half_95": found.half if math.isfinite(found.half) else None}
