from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_study.arena import StudyArena
from besteffort_study.cell import BOUND, Round
from besteffort_study.executor import execute, tasks_of
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.report import build_report, json_from_report
from besteffort_study.store import WHOLE, Shard, Store
from besteffort_study.studies import STUDIES

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_study.cell import Cell

ARENA = StudyArena("a100_roofline", (("GE", 20.0), ("SC", 30.0)))
GRID = Grid(
    "tiny",
    (Setting("SC", "co", (Load("poisson", 0.5), Load("maf", 1.0))), Setting("GE", "ded", (Load("mmpp", 1.0),))),
    seeds=2,
)


def played(folder: Path, shard: Shard = WHOLE) -> list[Cell]:
    tasks = tasks_of(ARENA, GRID, shard)
    return execute(ARENA, tasks, Store(folder, shard), processes=1, report=lambda *_: None)


def test_two_shards_of_real_simulations_report_what_one_process_reports(tmp_path: Path) -> None:
    alone = json_from_report(build_report(GRID, ARENA, played(tmp_path / "alone")))
    for number in range(2):
        played(tmp_path / "shards", Shard(number, 2))
    assert json_from_report(build_report(GRID, ARENA, played(tmp_path / "shards"))) == alone
    assert (tmp_path / "shards" / "cells.jsonl").read_text() == ""


def test_no_policy_earns_more_than_the_bound(tmp_path: Path) -> None:
    cells = played(tmp_path)
    bounds = {cell.round: cell.reward for cell in cells if cell.policy == BOUND}
    assert len(bounds) == 6
    for cell in cells:
        assert 0.0 <= cell.reward <= bounds[cell.round] + 1e-9
        assert cell.played is None or cell.played.in_time + cell.played.late + cell.played.refused == pytest.approx(1.0)


def test_a_round_offers_its_load_in_the_units_of_its_scenario() -> None:
    case = ARENA.case(Round("SC", "co", "poisson", 2.0, 0))
    assert case.workload.arrival_s.size / 60.0 == pytest.approx(60.0, rel=0.1)
    shifted = ARENA.case(Round("SC+long", "co", "poisson", 2.0, 0))
    assert shifted.workload.arrival_s.tolist() == case.workload.arrival_s.tolist()
    assert shifted.workload.units.min() >= 300


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_ten_seeds_and_settings_that_exist(name: str) -> None:
    grid = STUDIES[name]
    assert grid.seeds >= 10
    arena = StudyArena("a100_roofline", tuple((base, 1.0) for base in ("GE", "MX", "SC", "SCs", "SCt")))
    for setting in grid.settings:
        assert arena.entrants(setting.scenario, setting.layout)
        assert arena.case(Round(setting.scenario, setting.layout, "poisson", 1.0, 0)).pool.size_of.size > 0
        assert len(set(setting.loads)) == len(setting.loads)


def test_the_quick_study_has_the_pools_and_workloads_that_are_promised() -> None:
    settings = {f"{one.scenario} {one.layout}": one for one in STUDIES["quick"].settings}
    assert {"SC co", "SC ded", "GE co", "MX co", "SC+hellaswag co", "SC+long co"} == set(settings)
    assert {load.workload for load in settings["MX co"].loads} == {"poisson", "maf", "mmpp", "azure"}
