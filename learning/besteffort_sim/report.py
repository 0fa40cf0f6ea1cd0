"""From a log to figures: what became of the requests, and what that was worth. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.model import ANSWERED, EXPIRED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Workload

__all__ = ["Summary", "peaks", "share_of_peak", "summarise"]


@dataclass(frozen=True, slots=True)
class Summary:
    """One simulation in figures; in_time, late and refused add up to offered."""

    offered: int
    in_time: int
    late: int
    """Answered after the deadline, or not before it was worth nothing."""
    refused: int
    reward: float
    """Mean worth of a request, the lost ones counted as 0."""
    quality: float
    """Mean reward of those answered in time; 0 where there is none."""
    p50_s: float
    """Latencies of those answered; NaN where there is none."""
    p95_s: float
    p99_s: float
    shares: tuple[float, ...]
    """Of each size among those answered."""


def summarise(workload: Workload, log: Log, sizes: int) -> Summary:
    """Return the figures of one simulation with that many sizes."""
    answered = log.outcome == ANSWERED
    timely = answered & (log.latency_s <= workload.deadline_s)
    in_time = int(timely.sum())
    late = int(answered.sum()) - in_time + int((log.outcome == EXPIRED).sum())
    offered = int(log.outcome.size)
    counts = np.bincount(log.size[answered], minlength=sizes)
    p50_s, p95_s, p99_s = _percentiles(log.latency_s[answered])
    return Summary(
        offered=offered,
        in_time=in_time,
        late=late,
        refused=offered - in_time - late,
        reward=float(log.reward.mean()),
        quality=float(log.reward[timely].mean()) if in_time else 0.0,
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        shares=tuple(float(count) / max(int(answered.sum()), 1) for count in counts),
    )


def peaks(pool: Pool, workload: Workload) -> NDArray[np.float64]:
    """Return for each request what the best size is worth in time, (n,)."""
    best: NDArray[np.float64] = pool.quality.max(axis=1)[workload.task]
    return best


def share_of_peak(pool: Pool, workload: Workload, log: Log) -> float:
    """Return reward over what the best size would earn if it always answered in time."""
    return float(log.reward.sum() / peaks(pool, workload).sum())


def _percentiles(latency_s: NDArray[np.float64]) -> tuple[float, float, float]:
    if latency_s.size == 0:
        return np.nan, np.nan, np.nan
    p50_s, p95_s, p99_s = np.percentile(latency_s, (50, 95, 99))
    return float(p50_s), float(p95_s), float(p99_s)
