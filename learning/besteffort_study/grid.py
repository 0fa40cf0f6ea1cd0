"""What a study plays: scenarios on layouts, workloads at loads, seeds. `Arena` says what the names mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from besteffort_study.cell import Round

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_study.entrant import Case, Entrant

__all__ = ["Arena", "Facts", "Grid", "Load", "Setting", "rounds_of"]


class Load(NamedTuple):
    """A family of workloads at a mean rate."""

    workload: str
    load: float
    """In load units."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.workload} {self.load:g}x"


class Facts(NamedTuple):
    """What a report says of a setting besides its figures."""

    sizes: tuple[str, ...]
    unit_rps: float
    """Arrivals per second at load 1."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One scenario on one layout of the pool, and the loads that it meets."""

    scenario: str
    layout: str
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All that a study plays: every entrant of a setting at every load of it, over the seeds from 0 up."""

    name: str
    settings: tuple[Setting, ...]
    seeds: int


class Arena(Protocol):
    """Where rounds come from. It goes to other processes, so it must be picklable and small."""

    @property
    def digest(self) -> str:
        """A name for all that cases follow from but source code; empty where that is all."""

    @property
    def about(self) -> str:
        """What is studied, and in which unit loads are, in sentences for a report."""

    def entrants(self, scenario: str, layout: str) -> Mapping[str, Entrant]:
        """Return who plays there; the first is the one that the others are compared with."""

    def facts(self, scenario: str, layout: str) -> Facts:
        """Return what a report says of a setting."""

    def case(self, where: Round) -> Case:
        """Return the case of a round, drawn from nothing but the round."""

    def bound(self, case: Case) -> float:
        """Return a mean reward that no policy can pass in a case."""


def rounds_of(grid: Grid) -> list[Round]:
    """Return every round of a grid, seed by seed, so that an interrupted study has whole seeds."""
    return [
        Round(setting.scenario, setting.layout, load.workload, load.load, seed)
        for seed in range(grid.seeds)
        for setting in grid.settings
        for load in setting.loads
    ]
