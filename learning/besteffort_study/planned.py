"""Policies that a router serves, as entrants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_sim.simulator import simulate

if TYPE_CHECKING:
    from besteffort_sim.model import Log, Plan
    from besteffort_study.entrant import Case

__all__ = ["Planned"]


@dataclass(frozen=True)
class Planned:
    """A plan, played as it is."""

    plan: Plan
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """The digest of all numbers of the plan."""
        arrays = [self.plan.parameters, *self.plan.network, *self.plan.scorer]
        return hashlib.sha256(
            b"".join([bytes([self.plan.kind]), *(np.asarray(array).tobytes() for array in arrays)])
        ).hexdigest()

    def play(self, case: Case) -> Log:
        """Simulate."""
        return simulate(case.pool, case.world, case.workload, self.plan)
