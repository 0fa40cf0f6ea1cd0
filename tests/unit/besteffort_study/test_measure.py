from __future__ import annotations

import numpy as np
import pytest

from besteffort_sim.model import ANSWERED, EXPIRED, HOPELESS, Log
from besteffort_study.cell import BOUND, Round
from besteffort_study.measure import bound_cell, played_cell
from support.arena import MadeUpArena

WHERE = Round("SC", "co", "maf", 0.04, 0)
CASE = MadeUpArena().case(WHERE)


def log_of(outcome: list[int], latency_s: list[float], reward: list[float]) -> Log:
    no_trail = dict.fromkeys(Log._fields, np.empty(0))
    size = [1 if one == ANSWERED else -1 for one in outcome]
    fields = {"outcome": np.array(outcome), "size": np.array(size)}
    return Log(**no_trail)._replace(**fields, latency_s=np.array(latency_s), reward=np.array(reward))


def test_what_is_answered_late_or_not_at_all_adds_up() -> None:
    log = log_of([ANSWERED, ANSWERED, EXPIRED, HOPELESS], [0.05, 0.15, np.inf, np.inf], [0.8, 0.0, 0.0, 0.0])
    cell = played_cell(WHERE, CASE, log, policy="ours", digest="d", bounded=True)
    assert cell.played is not None
    assert (cell.offered, cell.reward) == (4, 0.2)
    assert (cell.played.in_time, cell.played.late, cell.played.refused) == (0.25, 0.5, 0.25)
    assert cell.played.p50_s == pytest.approx(0.1)
    assert cell.played.sizes == (0.0, 1.0)


def test_nothing_answered_has_no_latency() -> None:
    cell = played_cell(
        WHERE, CASE, log_of([HOPELESS] * 4, [np.inf] * 4, [0.0] * 4), policy="p", digest="", bounded=True
    )
    assert cell.played is not None
    assert (cell.played.p50_s, cell.played.p95_s, cell.played.p99_s) == (None, None, None)
    assert cell.played.windows == (0.0,) * 4


def test_peak_is_the_best_size_for_each_task() -> None:
    tasks = CASE.workload.task
    peak = np.where(tasks == 0, 0.6, 0.8)
    cell = bound_cell(WHERE, CASE, 0.5, "d")
    assert (cell.policy, cell.reward) == (BOUND, 0.5)
    assert cell.peak == pytest.approx(peak.mean())
    assert sum(cell.series) == pytest.approx(peak.sum())


def test_series_are_kept_for_the_first_seed_only() -> None:
    assert bound_cell(WHERE._replace(seed=1), CASE, 0.5, "d").series == ()
