"""All policies of a service as plans for the simulator, that of a bundle's network first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.general import GENERAL
from besteffort_core.policy import Kind, build_rule
from besteffort_sim.choice import build_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_core.bundle import Bundle
    from besteffort_sim.model import Plan

__all__ = ["build_plans"]


def build_plans(sizes: Sequence[str], bundle: Bundle | None) -> Mapping[str, Plan]:
    """Return plans by the name of the policy; a bundle brings its network and the numbers of Price and Ladder."""
    plans = {}
    if bundle is not None:
        plans[bundle.kind] = build_plan(Kind(bundle.kind), bundle.price, bundle.network)
    plans.setdefault(Kind.LEARNED.value, build_plan(Kind.LEARNED, network=GENERAL))
    for kind in (Kind.PRICE, Kind.LADDER, Kind.GREEDY, Kind.LEAST_LOADED, Kind.ROUND_ROBIN):
        plans[kind.value] = build_plan(kind, build_rule(kind, bundle).parameters)
    for size, name in enumerate(sizes):
        plans[f"{Kind.STATIC.value} {name}"] = build_plan(Kind.STATIC, np.array([float(size)]))
    return plans
