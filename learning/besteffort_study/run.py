"""A study from its name to its report: the one call for whoever wants the whole, or a shard of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from besteffort_study.arena import build_arena
from besteffort_study.errors import StudyError
from besteffort_study.executor import execute, tasks_of
from besteffort_study.profiles import PROFILES
from besteffort_study.provenance import source_digest
from besteffort_study.report import build_report
from besteffort_study.service_arena import grid_of_service
from besteffort_study.store import WHOLE, Shard, Store
from besteffort_study.studies import STUDIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from besteffort_study.cell import Cell
    from besteffort_study.grid import Arena, Grid
    from besteffort_study.report import Report
    from besteffort_study.service_arena import ServiceArena

__all__ = ["Wanted", "grid_of", "play_service", "play_shard", "play_study"]

SOURCE_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is played."""

    study: str
    gpu: str
    seeds: int


def grid_of(wanted: Wanted) -> Grid:
    """Return the grid of a study.

    Raises:
        StudyError: there is no such study or GPU, or too few seeds for an interval.
    """
    for option, name, known in (("study", wanted.study, STUDIES), ("gpu", wanted.gpu, PROFILES)):
        if name not in known:
            raise StudyError(f"{option} {name!r} is not one of {', '.join(known)}")
    return replace(STUDIES[wanted.study], seeds=_at_least_two(wanted.seeds))


def play_study(wanted: Wanted, folder: Path, processes: int, report: Callable[[str, int, int], None]) -> Report:
    """Play what the folder does not hold yet and return the report; `report` takes a phase, steps done and in all.

    Raises:
        StudyError: as `grid_of` and `execute`.
    """
    return _told(*_played(wanted, Store(folder), WHOLE, processes, report))


def play_shard(
    wanted: Wanted, folder: Path, shard: Shard, processes: int, report: Callable[[str, int, int], None]
) -> int:
    """Play one shard into the folder and return how many cells it is; raises as `play_study`."""
    _, _, cells = _played(wanted, Store(folder, shard), shard, processes, report)
    return len(cells)


def play_service(
    arena: ServiceArena, seeds: int, folder: Path, processes: int, report: Callable[[str, int, int], None]
) -> Report:
    """Play a service of a user as `play_study` plays a study.

    Raises:
        StudyError: too few seeds, or as `execute`.
    """
    grid = grid_of_service(arena, "service", _at_least_two(seeds))
    tasks = tasks_of(arena, grid)
    cells = execute(arena, tasks, Store(folder), processes=processes, report=lambda *now: report("playing", *now))
    return _told(grid, arena, cells)


def _told(grid: Grid, arena: Arena, cells: Sequence[Cell]) -> Report:
    return replace(build_report(grid, arena, cells), source=source_digest()[:SOURCE_DIGITS])


def _at_least_two(seeds: int) -> int:
    if seeds < 2:  # noqa: PLR2004 - the least that has a spread
        raise StudyError("seeds: a report needs at least 2, since its intervals are over seeds")
    return seeds


def _played(
    wanted: Wanted, store: Store, shard: Shard, processes: int, report: Callable[[str, int, int], None]
) -> tuple[Grid, Arena, list[Cell]]:
    grid = grid_of(wanted)
    report("load units", 0, 1)
    arena = build_arena(wanted.gpu, grid)
    tasks = tasks_of(arena, grid, shard)
    return grid, arena, execute(arena, tasks, store, processes=processes, report=lambda *now: report("playing", *now))
