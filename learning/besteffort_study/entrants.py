"""The policies that enter the studies. Each of them is built from names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_study.planned import Planned
from besteffort_study.profiles import PROFILES, gpu_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_study.entrant import Entrant

__all__ = ["entrants"]


def entrants(scenario: str, layout: str) -> Mapping[str, Entrant]:  # noqa: ARG001 - none is tuned for either
    """Return the policies that play a scenario on a layout, ours first."""
    rules = (Kind.PRICE, Kind.GREEDY, Kind.LADDER, Kind.LEAST_LOADED, Kind.ROUND_ROBIN)
    sizes = [size.size for size in gpu_profile(PROFILES[0]).sizes]
    static = {f"Static {name}": build_plan(Kind.STATIC, np.array([float(k)])) for k, name in enumerate(sizes)}
    return {name: Planned(plan) for name, plan in ({kind.value: build_plan(kind) for kind in rules} | static).items()}
