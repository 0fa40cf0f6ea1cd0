"""The whole of a study as one value, from its cells, and its form as JSON. Pure; it holds no time of day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from besteffort_study.cell import BOUND
from besteffort_study.comparison import Block, Comparison, Table, build_table, compare
from besteffort_study.errors import StudyError
from besteffort_study.grid import Load  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_study.cell import Cell
    from besteffort_study.entrant import Entrant
    from besteffort_study.grid import Arena, Grid, Setting

__all__ = ["Block", "Report", "Scene", "SettingReport", "Shift", "build_report", "json_from_report", "report_from_json"]

FORMAT = "besteffort.report/1"
STABLE = "poisson"
HEAVY = 8.0
"""From this load on no policy keeps near the peak, and a mean with lower loads would say nothing."""
DIGITS = 6
"""After the point, in JSON: more than any interval means."""
SHOWN_IN_SCENE = "mmpp"
"""The workload whose bursts are most regular, so the picture of one says most."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a policy loses for having been tuned on a few loads only; `comparison` is with its broadly tuned twin."""

    narrow: str
    load: Load
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Scene:
    """One round second by second: what the requests of each second could earn at most, and what they did."""

    load: Load
    peak: tuple[float, ...]
    rewards: tuple[tuple[str, tuple[float, ...]], ...]
    """By policy."""


@dataclass(frozen=True, slots=True)
class SettingReport:
    """One scenario on one layout."""

    scenario: str
    layout: str
    sizes: tuple[str, ...]
    unit_rps: float
    """Arrivals per second at load 1."""
    ours: str
    groups: tuple[Table, ...]
    """Over several loads each."""
    singles: tuple[Table, ...]
    """One for each load."""
    shifts: tuple[Shift, ...]
    scene: Scene | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of a study."""

    study: str
    about: str
    """What is studied, and in which unit loads are."""
    seeds: int
    settings: tuple[SettingReport, ...]
    source: str = ""
    """The first digits of the digest of what its figures follow from; empty where they were not played."""
    format: str = FORMAT


def build_report(grid: Grid, arena: Arena, cells: Sequence[Cell]) -> Report:
    """Return the report of all cells of a grid."""
    settings = []
    for setting in grid.settings:
        entrants = arena.entrants(setting.scenario, setting.layout)
        here = [cell for cell in cells if cell.round[:2] == (setting.scenario, setting.layout)]
        settings.append(_setting(setting, arena, entrants, Block(tuple(entrants), here)))
    return Report(grid.name, arena.about, grid.seeds, tuple(settings))


def _setting(setting: Setting, arena: Arena, entrants: Mapping[str, Entrant], block: Block) -> SettingReport:
    facts = arena.facts(setting.scenario, setting.layout)
    return SettingReport(
        setting.scenario,
        setting.layout,
        facts.sizes,
        facts.unit_rps,
        next(iter(entrants)),
        groups=tuple(build_table(name, loads, block) for name, loads in groups_of(setting.loads).items()),
        singles=tuple(build_table(load.name, [load], block) for load in setting.loads),
        shifts=tuple(
            Shift(name, load, compare(name, entrant.broad, [load], block))
            for name, entrant in entrants.items()
            if entrant.broad
            for load in setting.loads
        ),
        scene=_scene(setting, block),
    )


def groups_of(loads: Sequence[Load]) -> Mapping[str, list[Load]]:
    """Return the groups of loads that means are taken over, each not empty, the bursty ones last."""
    stable, bursty = ([load for load in loads if (load.workload == STABLE) is wanted] for wanted in (True, False))
    groups = {
        "stable, below 8x": [load for load in stable if load.load < HEAVY],
        "stable, 8x and more": [load for load in stable if load.load >= HEAVY],
        "unpredictable" if stable else "all loads": bursty,
    }
    return {name: found for name, found in groups.items() if found}


def _scene(setting: Setting, block: Block) -> Scene | None:
    bursty = sorted(
        (load for load in setting.loads if load.workload != STABLE),
        key=lambda load: (load.workload != SHOWN_IN_SCENE, abs(load.load - 1.0)),
    )
    if not bursty:
        return None
    series = {policy: block.cells(policy, bursty[:1])[0][0].series for policy in (*block.policies, BOUND)}
    return Scene(bursty[0], series.pop(BOUND), tuple(series.items()))


_REPORT = TypeAdapter(Report)


def json_from_report(report: Report) -> str:
    """Return the report as JSON with an end of line, to 6 digits after the point."""
    return json.dumps(_rounded(_REPORT.dump_python(report, mode="json")), separators=(",", ":")) + "\n"


def _rounded(plain: object) -> object:
    if isinstance(plain, dict):
        return {name: _rounded(value) for name, value in plain.items()}
    if isinstance(plain, list):
        return [_rounded(value) for value in plain]
    return round(plain, DIGITS) if isinstance(plain, float) else plain


def report_from_json(text: str) -> Report:
    """Return the report that `json_from_report` wrote.

    Raises:
        StudyError: it is none, or of another version.
    """
    try:
        report = _REPORT.validate_json(text)
    except ValueError as error:
        raise StudyError(f"this is no report of a study in the format {FORMAT}") from error
    if report.format != FORMAT:
        raise StudyError(f"this is no report of a study in the format {FORMAT}, but {report.format}")
    return report
