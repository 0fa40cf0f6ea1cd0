"""From what became of the requests of a round to its cell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.report import peaks, summarise
from besteffort_study.cell import BOUND, Cell, Played
from besteffort_study.windows import second_by_second, window_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_sim.model import Log
    from besteffort_study.cell import Round
    from besteffort_study.entrant import Case

__all__ = ["bound_cell", "played_cell"]


def played_cell(where: Round, case: Case, log: Log, *, policy: str, digest: str, bounded: bool) -> Cell:
    """Return the cell of a policy in a round."""
    found, peak = summarise(case.workload, log, case.pool.quality.shape[1]), peaks(case.pool, case.workload)
    played = Played(
        in_time=found.in_time / found.offered,
        late=found.late / found.offered,
        refused=found.refused / found.offered,
        p50_s=_finite(found.p50_s),
        p95_s=_finite(found.p95_s),
        p99_s=_finite(found.p99_s),
        sizes=found.shares,
        windows=window_shares(case.workload.arrival_s, log.reward, peak),
    )
    series = _series(where, case, log.reward)
    return Cell(where, policy, digest, found.offered, found.reward, float(peak.mean()), bounded, played, series)


def bound_cell(where: Round, case: Case, bound: float, digest: str) -> Cell:
    """Return the cell of the bound on the mean reward of a round."""
    peak = peaks(case.pool, case.workload)
    return Cell(where, BOUND, digest, peak.size, bound, float(peak.mean()), series=_series(where, case, peak))


def _series(where: Round, case: Case, values: NDArray[np.float64]) -> tuple[float, ...]:
    return second_by_second(case.workload.arrival_s, values) if where.seed == 0 else ()


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
