"""Where the rounds of the studies come from: the pools, the catalogue and the entrants of this package, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from besteffort_sim.bound import upper_bound
from besteffort_study.catalogue import draw_workload
from besteffort_study.entrant import Case
from besteffort_study.entrants import entrants
from besteffort_study.grid import Facts
from besteffort_study.load_unit import study_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_core.model import Pool
    from besteffort_study.cell import Round
    from besteffort_study.entrant import Entrant
    from besteffort_study.grid import Grid

__all__ = ["StudyArena", "build_arena"]


@dataclass(frozen=True)
class StudyArena:
    """The GPUs of one profile, and the load unit of each scenario on them, which takes seconds to find."""

    gpu: str
    units_rps: tuple[tuple[str, float], ...]

    @property
    def digest(self) -> str:
        """The profile's name; all else is source."""
        return self.gpu

    @property
    def about(self) -> str:
        """What is studied, and in which unit loads are."""
        lent = "" if self.gpu == PROFILES[0] else f" The numbers of all policies were found on `{PROFILES[0]}`."
        return (
            f"The GPUs are `{self.gpu}`.{lent} Loads are multiples of 1x: the rate at which the largest size alone, on "
            "4 GPUs and with expiry, still answers 99 % in time. All of it is defined in docs/evaluation.md."
        )

    def entrants(self, scenario: str, layout: str) -> Mapping[str, Entrant]:
        """Return who plays there."""
        return entrants(scenario, layout)

    def facts(self, scenario: str, layout: str) -> Facts:  # noqa: ARG002 - as `Arena` has it
        """Return the sizes and the load unit."""
        return Facts(tuple(size.size for size in gpu_profile(self.gpu).sizes), self._unit_rps(scenario))

    def case(self, where: Round) -> Case:
        """Return the case of a round."""
        pool, rate_rps = _pool(self.gpu, where.scenario, where.layout), where.load * self._unit_rps(where.scenario)
        load = draw_workload(scenario(where.scenario), where.workload, rate_rps, where.seed)
        return Case(pool, true_world(pool), load)

    def bound(self, case: Case) -> float:
        """Return the clairvoyant bound on the mean reward of a case."""
        return upper_bound(*case).reward / case.workload.task.size

    def _unit_rps(self, name: str) -> float:
        return dict(self.units_rps)[scenario(name).base]


def build_arena(gpu: str, grid: Grid) -> StudyArena:
    """Return the arena of a grid; this searches for its load units.

    Raises:
        StudyError: there is no such profile.
    """
    bases = sorted({scenario(setting.scenario).base for setting in grid.settings})
    return StudyArena(gpu, tuple((base, study_unit_rps(gpu, base)) for base in bases))


@cache
def _pool(gpu: str, scenario_name: str, layout: str) -> Pool:
    return build_study_pool(gpu_profile(gpu), layout, scenario(scenario_name))
