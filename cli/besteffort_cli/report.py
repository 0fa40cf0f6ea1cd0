"""From records to figures: one replay summed up, rounds as mean and interval, policies compared in pairs.

Pure. availability = in_time / counted, which is what was offered and not cancelled; mean_quality = right among those
in time; reward = right and in time / counted (a hard deadline: late is worth nothing); expected_reward takes the
router's `bes-quality` for being right.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.record import Outcome, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Interval", "Summary", "interval", "paired_ratio", "summarise"]

# Student's t, 97.5 %, for 1 to 30 degrees of freedom (any statistics table).
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """One replay in figures; the five outcomes add up to offered."""

    offered: int
    in_time: int
    refused: int
    late: int
    failed: int
    cancelled: int
    availability: float
    mean_quality: float
    reward: float
    expected_reward: float
    p50_s: float
    """Latencies of what was answered, in time or late."""
    p95_s: float
    p99_s: float
    lag_p99_s: float
    """How much later than scheduled the sender sent; if this nears the deadline, the sender was measured."""
    size_shares: Mapping[str, float]
    """For each size that answered in time: its share of those."""


@dataclass(frozen=True)
class Interval:
    """A mean over rounds and the half width of its 95 % interval; infinite with one round."""

    mean: float
    half: float
    rounds: int


def summarise(records: Sequence[Record]) -> Summary:
    """Sum one replay up."""
    outcomes = Counter(record.outcome for record in records)
    in_time = [record for record in records if record.outcome is Outcome.IN_TIME]
    counted = [record for record in records if record.outcome is not Outcome.CANCELLED]
    right = sum(record.right for record in in_time)
    answered = [record.latency_s for record in records if record.answered]
    p50_s, p95_s, p99_s = _percentiles(answered, (50, 95, 99))
    sizes = Counter(record.size for record in in_time)
    summary = Summary(
        offered=len(records),
        **{outcome.value: outcomes[outcome] for outcome in Outcome},
        availability=_share(len(in_time), len(counted)),
        mean_quality=_share(right, len(in_time)),
        reward=_share(right, len(counted)),
        expected_reward=_share(math.fsum(r.quality for r in in_time), len(counted)),
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        lag_p99_s=_percentiles([r.lag_s for r in counted], (99,))[0],
        size_shares={size: count / len(in_time) for size, count in sorted(sizes.items())},
    )
    assert sum(outcomes[o] for o in Outcome) == summary.offered, "the outcomes add up"
    return summary


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _percentiles(values: Sequence[float], at: Sequence[int]) -> list[float]:
    return [float(v) for v in np.percentile(values, at)] if len(values) else [0.0] * len(at)


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of one value a round, with its 95 % interval by Student's t."""
    if len(values) < 2:  # noqa: PLR2004 - one round has no spread
        return Interval(values[0], math.inf, 1)
    deviation = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(float(np.mean(values)), _t(len(values) - 1) * deviation, len(values))


def _t(freedom: int) -> float:
    return _T[freedom - 1] if freedom <= len(_T) else 1.960 + 2.46 / freedom


def paired_ratio(values: Sequence[float], others: Sequence[float]) -> tuple[float, float, float] | None:
    """Return the mean ratio of paired rounds and its 95 % interval (low, high); None if a value is not positive.

    The mean is geometric, so that a over b is one over b over a.
    """
    if min(*values, *others) <= 0:
        return None
    logs = interval([math.log(a / b) for a, b in zip(values, others, strict=True)])
    return math.exp(logs.mean), math.exp(logs.mean - logs.half), math.exp(logs.mean + logs.half)
