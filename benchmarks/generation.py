"""How well are generations served, whose length nobody knows? Generation and mixed traffic on 4 co-located GPUs.

The policy is the first of the study's entrants, on test seeds. The last line is one JSON object. Goal: 0.80 of peak on
unpredictable traffic (stretch 0.85), and 0.96/0.95/0.89 on Poisson traffic at 1.25/1.5/2 load units; for both kinds of
traffic. Beside it: the best single size for each load in hindsight, and what the clairvoyant bound leaves.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.arena import build_arena
from besteffort_study.catalogue import UNPREDICTABLE
from besteffort_study.cell import Round
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.load_unit import in_time
from besteffort_study.profiles import PROFILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_study.arena import StudyArena

SCENARIOS, LAYOUT, SEEDS = ("GE", "MX"), "co", 10
STABLE = tuple(Load("poisson", load) for load in (1.25, 1.5, 2.0))
UNPREDICTED = tuple(Load(*pair) for pair in UNPREDICTABLE)
LOADS = (*UNPREDICTED, *STABLE)
STABLE_GOALS = (0.96, 0.95, 0.89)
GOAL, STRETCH = 0.80, 0.85
BEST_SIZE = "Best single size"
BOUNDED_SEEDS = 2
"""The bound takes far longer than a simulation."""


def main() -> None:
    settings = tuple(Setting(scenario, LAYOUT, LOADS) for scenario in SCENARIOS)
    arena = build_arena(PROFILES[0], Grid("generation", settings, SEEDS))
    value = {scenario: measured(arena, scenario) for scenario in SCENARIOS}
    goal = {"unpredictable": GOAL, "stable": STABLE_GOALS}
    print(
        json.dumps(
            {
                "bar": "generation",
                "value": value,
                "goal": goal,
                "stretch": {"unpredictable": STRETCH},
                "holds": all(holds(found) for found in value.values()),
                "seeds": SEEDS,
                "loads": [load.name for load in LOADS],
            }
        )
    )


def holds(found: dict[str, object]) -> bool:
    """Tell whether a scenario reaches all of its goals."""
    stable = np.asarray(found["stable"])
    return float(str(found["unpredictable"])) >= GOAL and bool(np.all(stable >= STABLE_GOALS))


def measured(arena: StudyArena, scenario: str) -> dict[str, object]:
    """Return the figures of one scenario, as shares of peak; reward is an array (loads, seeds)."""
    policy = next(iter(arena.entrants(scenario, LAYOUT)))
    ours, available = played(arena, scenario, policy)
    best, many = played(arena, scenario, BEST_SIZE)[0], len(UNPREDICTED)
    seeds = ours[:many].mean(axis=0)
    return {
        "policy": policy,
        "unpredictable": round(float(seeds.mean()), 4),
        "spread over seeds": round(float(seeds.std(ddof=1)), 4),
        "answered in time": round(float(available[:many].mean()), 4),
        "stable": [round(float(share), 4) for share in ours[many:].mean(axis=1)],
        "best single size in hindsight": round(float(best[:many].mean()), 4),
        "clairvoyant bound": round(bounded(arena, scenario), 4),
        "by load": [round(float(share), 3) for share in ours.mean(axis=1)],
        "unit_rps": round(arena.facts(scenario, LAYOUT).unit_rps, 1),
    }


def played(arena: StudyArena, scenario: str, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of peak and of requests in time, each (loads, seeds)."""
    print(f"{scenario} {name}", file=sys.stderr, flush=True)
    entrant, shape = arena.entrants(scenario, LAYOUT)[name], (len(LOADS), SEEDS)
    reward, available = np.empty(shape), np.empty(shape)
    for place, seed in np.ndindex(shape):
        case = arena.case(Round(scenario, LAYOUT, *LOADS[place], seed))
        log, best = entrant.play(case), case.pool.quality.max(axis=1)
        reward[place, seed] = log.reward.sum() / best[case.workload.task].sum()
        available[place, seed] = in_time(case.workload, log)
    return reward, available


def bounded(arena: StudyArena, scenario: str) -> float:
    """Return the clairvoyant bound on unpredictable traffic, as a share of peak, over the first seeds."""
    shares = []
    for load in UNPREDICTED:
        for seed in range(BOUNDED_SEEDS):
            case = arena.case(Round(scenario, LAYOUT, *load, seed))
            shares.append(arena.bound(case) / case.pool.quality.max(axis=1)[case.workload.task].mean())
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
