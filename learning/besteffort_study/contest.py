"""Some entrants on some loads of one setting, on several cores: what a bar plays instead of a whole study."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.arena import StudyArena, build_arena
from besteffort_study.cell import BOUND
from besteffort_study.entrants import every_entrant
from besteffort_study.executor import Task, execute
from besteffort_study.grid import Grid, Setting, rounds_of
from besteffort_study.profiles import PROFILES
from besteffort_study.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from besteffort_study.cell import Cell
    from besteffort_study.entrant import Entrant

__all__ = ["Contest", "OpenArena", "hold_contest"]


@dataclass(frozen=True)
class OpenArena(StudyArena):
    """The arena of the studies, with those who are too costly for them."""

    def entrants(self, scenario: str, layout: str) -> Mapping[str, Entrant]:
        """Return everyone."""
        return every_entrant(scenario, layout)


@dataclass(frozen=True)
class Contest:
    """What was played, by policy; arrays are (loads, seeds)."""

    cells: Mapping[str, Sequence[Cell]]
    loads: int
    unit_rps: float

    def shares(self, policy: str) -> NDArray[np.float64]:
        """Return the reward of a policy as a share of peak."""
        return self._array([cell.reward / cell.peak for cell in self.cells[policy]])

    def windows(self, policy: str, which: int) -> NDArray[np.float64]:
        """Return the share of the windows that reach one of `windows.ASKED`."""
        return self._array([cell.played.windows[which] for cell in self.cells[policy] if cell.played is not None])

    def in_time(self, policy: str) -> NDArray[np.float64]:
        """Return the share of the requests answered in time."""
        return self._array([cell.played.in_time for cell in self.cells[policy] if cell.played is not None])

    def _array(self, values: list[float]) -> NDArray[np.float64]:
        return np.array(values).reshape(-1, self.loads).T


def hold_contest(
    setting: Setting,
    policies: Sequence[str],
    seeds: int,
    processes: int,
    *,
    bounded: bool = False,
    report: Callable[[int, int], None] = lambda *_: None,
) -> Contest:
    """Return what the policies of those names earn in a setting; with `bounded`, `BOUND` is one of them."""
    grid = Grid("contest", (setting,), seeds)
    built = build_arena(PROFILES[0], grid)
    arena, names = OpenArena(built.gpu, built.units_rps), [*policies, *([BOUND] if bounded else [])]
    tasks = [Task(where, dict.fromkeys(names, "")) for where in rounds_of(grid)]
    with tempfile.TemporaryDirectory() as folder:
        cells = execute(arena, tasks, Store(Path(folder)), processes=processes, report=report)
    order = {where: place for place, where in enumerate(rounds_of(grid))}
    cells.sort(key=lambda cell: order[cell.round])
    found = {name: [cell for cell in cells if cell.policy == name] for name in names}
    return Contest(found, len(setting.loads), arena.facts(setting.scenario, setting.layout).unit_rps)
