"""A service of a user as a study: its policies on the loads around it, or on a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.bound import upper_bound
from besteffort_sim.workload import build_workload
from besteffort_study.entrant import Case
from besteffort_study.grid import Facts, Grid, Load, Setting
from besteffort_study.planned import Planned
from besteffort_study.provenance import digest_of
from besteffort_train.episodes import capacity_rps
from besteffort_train.evaluation import draw_load, mean_rps, world_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from besteffort_sim.model import Plan, Workload
    from besteffort_sim.workload import Traffic
    from besteffort_study.cell import Round
    from besteffort_study.entrant import Entrant
    from besteffort_train.episodes import Service

__all__ = ["ServiceArena", "grid_of_service"]


@dataclass(frozen=True)
class ServiceArena:
    """A service, its policies, and what it is asked: traffic by name, or the arrivals of a trace in seconds."""

    service: Service
    plans: Mapping[str, Plan]
    traffic: Mapping[str, Traffic | NDArray[np.float64]]
    slowness: float
    seed: int

    @property
    def digest(self) -> str:
        """The digest of all that is played on and of the arrivals."""
        played = [self.service.tasks, self.service.sizes, self.service.deadline_s, self.service.max_requests]
        arrays = [np.asarray(field).tobytes().hex() for field in self.service.pool]
        asked = [f"{name} {_name_of(one)}" for name, one in self.traffic.items()]
        return digest_of(repr(played), *arrays, *asked, repr((self.slowness, self.seed)))

    @property
    def about(self) -> str:
        """What is studied, and in which unit loads are."""
        return "Loads are multiples of 1x: the rate at which the slowest size alone is busy all the time."

    def entrants(self, scenario: str, layout: str) -> Mapping[str, Entrant]:  # noqa: ARG002 - as `Arena` has it
        """Return the policies of the service."""
        return {name: Planned(plan) for name, plan in self.plans.items()}

    def facts(self, scenario: str, layout: str) -> Facts:  # noqa: ARG002 - as `Arena` has it
        """Return the sizes and the load unit."""
        return Facts(self.service.sizes, _unit_rps(self.service))

    def case(self, where: Round) -> Case:
        """Return the case of a round."""
        return Case(self.service.pool, world_of(self.service, self.slowness), self._draw(where))

    def bound(self, case: Case) -> float:
        """Return the clairvoyant bound on the mean reward of a case."""
        return upper_bound(*case).reward / case.workload.task.size

    def _draw(self, where: Round) -> Workload:
        asked, seed = self.traffic[where.workload], (self.seed, where.seed)
        if not isinstance(asked, np.ndarray):
            return draw_load(self.service, asked, seed)
        tasks, deadline_s = len(self.service.tasks) + 1, self.service.deadline_s
        return build_workload(asked, tasks, deadline_s, np.random.default_rng(seed))


def grid_of_service(arena: ServiceArena, name: str, seeds: int) -> Grid:
    """Return the grid of a service: its one pool, each of its loads."""
    unit_rps = _unit_rps(arena.service)
    loads = tuple(Load(load, float(f"{_rate_rps(asked) / unit_rps:.3g}")) for load, asked in arena.traffic.items())
    return Grid(name, (Setting(name, "its pool", loads),), seeds)


def _unit_rps(service: Service) -> float:
    return min(capacity_rps(service.pool, size) for size in range(len(service.sizes)))


def _rate_rps(asked: Traffic | NDArray[np.float64]) -> float:
    if isinstance(asked, np.ndarray):
        return float(asked.size / max(asked[-1] - asked[0], 1e-9))
    return mean_rps(asked)


def _name_of(asked: Traffic | NDArray[np.float64]) -> str:
    return asked.tobytes().hex() if isinstance(asked, np.ndarray) else repr(asked)
