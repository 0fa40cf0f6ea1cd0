from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from besteffort_study.cell import BOUND, Cell
from besteffort_study.errors import StudyError
from besteffort_study.executor import play, tasks_of
from besteffort_study.report import build_report, json_from_report, report_from_json
from support.arena import GRID, Constant, MadeUpArena

if TYPE_CHECKING:
    from besteffort_study.comparison import Table
    from besteffort_study.report import Report

PLAYERS = dict(MadeUpArena().players) | {"narrow": Constant(0.85, broad="ours"), "eight": Constant(1.0, bounded=False)}
ARENA = MadeUpArena(PLAYERS)


def cells() -> list[Cell]:
    return [cell for task in tasks_of(ARENA, GRID) for cell in play(ARENA, task)]


@pytest.fixture(scope="module")
def report() -> Report:
    return build_report(GRID, ARENA, cells())


def table(report: Report, name: str) -> Table:
    setting = report.settings[0]
    (found,) = [one for one in (*setting.groups, *setting.singles) if one.name == name]
    return found


def test_every_load_has_a_table_and_means_are_over_groups_of_loads(report: Report) -> None:
    first, second = report.settings
    assert [one.name for one in first.singles] == ["poisson 1x", "poisson 4x", "maf 1x"]
    assert [one.name for one in first.groups] == ["stable, below 8x", "unpredictable"]
    assert [load.load for load in first.groups[0].loads] == [1.0, 4.0]
    assert [one.name for one in second.singles] == ["mmpp 2x"]


def test_rows_are_in_the_order_of_the_entrants_with_the_bound_last(report: Report) -> None:
    assert [row.policy for row in table(report, "maf 1x").rows] == [*PLAYERS, BOUND]


def test_rows_hold_parts_of_peak_and_of_the_bound(report: Report) -> None:
    rows = {row.policy: row for row in table(report, "stable, below 8x").rows}
    assert rows["ours"].of_peak.mean == pytest.approx(0.9, abs=0.02)
    assert rows["ours"].of_bound is not None
    assert rows["ours"].of_bound.mean == pytest.approx(rows["ours"].of_peak.mean / 0.95, abs=1e-6)
    assert rows["ours"].in_time == pytest.approx(0.9)
    assert rows["ours"].refused == pytest.approx(0.1)
    assert rows["ours"].sizes == (0.0, 1.0)
    assert rows["none"].of_peak.mean == 0.0
    assert rows["none"].p95_s is None
    assert rows[BOUND].of_peak.mean == pytest.approx(0.95)
    assert rows[BOUND].in_time is None


def test_a_policy_that_the_bound_does_not_hold_for_is_not_measured_by_it(report: Report) -> None:
    rows = {row.policy: row for row in table(report, "maf 1x").rows}
    assert rows["eight"].of_bound is None
    assert table(report, "maf 1x").violations == 0


def test_more_than_the_bound_is_counted_run_by_run() -> None:
    above = [
        dataclasses.replace(cell, reward=0.96 * cell.peak) if cell.policy == "other" and cell.round.seed else cell
        for cell in cells()
    ]
    setting = build_report(GRID, ARENA, above).settings[0]
    assert [one.violations for one in setting.singles] == [GRID.seeds - 1] * 3


def test_comparisons_show_both_fractions_and_the_paired_difference(report: Report) -> None:
    by_name = {one.other: one for one in table(report, "unpredictable").comparisons}
    other = by_name["other"]
    assert other.paired.ahead.mean == pytest.approx(other.ours - other.theirs)
    assert (other.paired.won, other.paired.runs) == (GRID.seeds, GRID.seeds)
    assert by_name["eight"].paired.loses
    assert "ours" not in by_name


def test_a_narrowly_tuned_policy_is_compared_with_its_twin_at_every_load(report: Report) -> None:
    shifts = report.settings[0].shifts
    assert [(shift.narrow, shift.comparison.other, shift.load.name) for shift in shifts] == [
        ("narrow", "ours", name) for name in ("poisson 1x", "poisson 4x", "maf 1x")
    ]
    assert all(shift.comparison.paired.ahead.mean < -0.03 for shift in shifts)


def test_the_scene_is_the_first_seed_of_a_bursty_load(report: Report) -> None:
    scene = report.settings[0].scene
    assert scene is not None
    assert scene.load.name == "maf 1x"
    rewards = dict(scene.rewards)
    assert set(rewards) == set(PLAYERS)
    assert sum(rewards["eight"]) == pytest.approx(sum(scene.peak), abs=0.01)
    assert sum(rewards["none"]) == 0.0


def test_json_comes_back_and_is_rounded(report: Report) -> None:
    text = json_from_report(report)
    again = report_from_json(text)
    assert json_from_report(again) == text
    assert again.settings[0].groups[0].rows[0].of_peak.mean == pytest.approx(
        report.settings[0].groups[0].rows[0].of_peak.mean, abs=1e-6
    )
    assert json.loads(text)["study"] == "small"


def test_the_order_of_the_cells_does_not_matter(report: Report) -> None:
    assert json_from_report(build_report(GRID, ARENA, cells()[::-1])) == json_from_report(report)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "besteffort.report/0"}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match=r"no report of a study in the format besteffort\.report/1"):
        report_from_json(text)


def test_a_report_of_another_version_is_refused(report: Report) -> None:
    with pytest.raises(StudyError, match=r"but besteffort\.report/9"):
        report_from_json(json_from_report(report).replace("besteffort.report/1", "besteffort.report/9"))
