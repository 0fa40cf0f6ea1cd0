"""The policies that enter the studies. Each of them is built from names alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_study.profiles import PROFILES, gpu_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_sim.model import Log, Plan
    from besteffort_study.entrant import Case, Entrant

__all__ = ["Planned", "entrants"]


@dataclass(frozen=True)
class Planned:
    """A policy that a router serves."""

    plan: Plan
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """The digest of all numbers of the plan."""
        arrays = [self.plan.parameters, *self.plan.network]
        return hashlib.sha256(
            b"".join([bytes([self.plan.kind]), *(np.asarray(array).tobytes() for array in arrays)])
        ).hexdigest()

    def play(self, case: Case) -> Log:
        """Simulate."""
        return simulate(case.pool, case.world, case.workload, self.plan)


def entrants(scenario: str, layout: str) -> Mapping[str, Entrant]:  # noqa: ARG001 - none is tuned for either
    """Return the policies that play a scenario on a layout, ours first."""
    rules = (Kind.PRICE, Kind.GREEDY, Kind.LADDER, Kind.LEAST_LOADED, Kind.ROUND_ROBIN)
    sizes = [size.size for size in gpu_profile(PROFILES[0]).sizes]
    static = {f"Static {name}": build_plan(Kind.STATIC, np.array([float(k)])) for k, name in enumerate(sizes)}
    return {name: Planned(plan) for name, plan in ({kind.value: build_plan(kind) for kind in rules} | static).items()}
