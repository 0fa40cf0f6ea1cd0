"""The policies that enter the studies. Each of them is built from names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.general import GENERAL
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_study.contestants import Best, Expiry, Fifo, Ruled, Twice
from besteffort_study.planned import Planned
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.rules.plan import NO_NUMBERS, TABULAR, UNIFORM
from besteffort_study.trained import DQN, LEARNED, NARROW, kept_entrant
from besteffort_study.tunable import RULES, TABLE_NAME
from besteffort_study.tuned import load_tuned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_study.entrant import Entrant
    from besteffort_study.tuned import Tuned

__all__ = ["UNTRAINED", "entrants", "every_entrant", "static_name"]

UNTRAINED = f"{LEARNED}, untrained"


def entrants(scenario: str, layout: str) -> Mapping[str, Entrant]:
    """Return the policies that play a scenario on a layout, ours first; rules with numbers where these are tuned."""
    found, paper = load_tuned(scenario, layout), kept_entrant(DQN, scenario, layout)
    theirs = {} if paper is None else {DQN: paper}
    return {**_learned(scenario, layout), **_tuned(found), **theirs, **_fixed(), **_statics()}


def every_entrant(scenario: str, layout: str) -> Mapping[str, Entrant]:
    """As `entrants`, with single sizes on twice the GPUs."""
    twofold = {f"{name}, twice the GPUs": Twice(entrant) for name, entrant in _statics().items()}
    return {**entrants(scenario, layout), **twofold}


def static_name(size: int, how: str = "") -> str:
    """Return the name of a single size: as the router serves it, with `expiry` alone, or as `FIFO` without any."""
    name = f"Static {gpu_profile(PROFILES[0]).sizes[size].size}"
    return f"{name}, {how}" if how else name


def _learned(scenario: str, layout: str) -> dict[str, Entrant]:
    """Return Learned as a router has it: trained for the setting, or built in where it is not; the others beside it."""
    built_in = Planned(build_plan(Kind.LEARNED, network=GENERAL))
    trained, narrow = (kept_entrant(policy, scenario, layout) for policy in (LEARNED, NARROW))
    if trained is None:
        return {LEARNED: built_in}
    return {LEARNED: trained, UNTRAINED: built_in, **({} if narrow is None else {NARROW: narrow})}


def _tuned(found: Tuned) -> dict[str, Entrant]:
    rules: dict[str, Entrant] = {
        name: start.build(found.numbers[name]) for name, start in RULES.items() if name in found.numbers
    }
    values: dict[str, Entrant] = {} if found.values is None else {TABLE_NAME: Ruled(TABULAR, np.zeros(2), found.values)}
    return {**rules, **values}


def _fixed() -> dict[str, Entrant]:
    plain: dict[str, Entrant] = {
        kind.value: Planned(build_plan(kind)) for kind in (Kind.LEAST_LOADED, Kind.ROUND_ROBIN)
    }
    return {**plain, "Random": Ruled(UNIFORM, NO_NUMBERS)}


def _statics() -> dict[str, Entrant]:
    sizes = range(len(gpu_profile(PROFILES[0]).sizes))
    served: dict[str, Entrant] = {static_name(k): Planned(build_plan(Kind.STATIC, np.array([float(k)]))) for k in sizes}
    best, largest = Best(tuple(served.values())), sizes[-1]
    ways: dict[str, Entrant] = {
        static_name(largest, "expiry"): Expiry(largest),
        static_name(largest, "FIFO"): Fifo(largest),
    }
    return {**served, **ways, "Best single size": best}
