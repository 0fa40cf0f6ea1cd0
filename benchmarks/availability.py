"""Up to which rate are 99 % answered in time? Scoring, generation and mixed traffic on 4 co-located GPUs.

The policy is the first of the study's entrants, at Poisson rates found by bisection, on test seeds; a rate counts only
if every lower one that was tried holds too. The last line is one JSON object. Goal, in load units: 15 for scoring
(stretch 20), 10 for generation and mixed. Beside it: the smallest size alone, which is about the most that is possible.
"""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.arena import build_arena
from besteffort_study.catalogue import STABLE_LOADS
from besteffort_study.cell import Round
from besteffort_study.entrants import static_name
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.load_unit import AVAILABLE, in_time
from besteffort_study.profiles import PROFILES

if TYPE_CHECKING:
    from besteffort_study.arena import StudyArena
    from besteffort_study.entrant import Entrant

LAYOUT, SEEDS = "co", 10
GOALS = {"SC": 15.0, "GE": 10.0, "MX": 10.0}
STRETCH = {"SC": 20.0}
HIGHEST = 40.0
PRECISION = 0.01
"""Of a load that is searched for."""


def main() -> None:
    settings = tuple(Setting(scenario, LAYOUT, (Load("poisson", 1.0),)) for scenario in GOALS)
    arena = build_arena(PROFILES[0], Grid("availability", settings, SEEDS))
    value, smallest, policies = {}, {}, {}
    for scenario in GOALS:
        entrants = arena.entrants(scenario, LAYOUT)
        policies[scenario] = next(iter(entrants))
        value[scenario] = highest_load(arena, scenario, entrants[policies[scenario]])
        smallest[scenario] = highest_load(arena, scenario, entrants[static_name(0)])
    print(
        json.dumps(
            {
                "bar": "availability",
                "value": value,
                "goal": GOALS,
                "stretch": STRETCH,
                "holds": all(value[scenario] >= goal for scenario, goal in GOALS.items()),
                "smallest size alone": smallest,
                "policies": policies,
                "unit_rps": {name: round(arena.facts(name, LAYOUT).unit_rps, 1) for name in GOALS},
                "seeds": SEEDS,
            }
        )
    )


def highest_load(arena: StudyArena, scenario: str, entrant: Entrant) -> float:
    """Return the highest load, in units, up to which enough is answered in time; 0 if not even the least is."""
    low, high = 0.0, HIGHEST
    for load in (*STABLE_LOADS, HIGHEST):
        if share_in_time(arena, scenario, entrant, load) < AVAILABLE:
            high = load
            break
        low = load
    while low > 0.0 and high / low > 1.0 + PRECISION:
        middle = math.sqrt(low * high)
        if share_in_time(arena, scenario, entrant, middle) >= AVAILABLE:
            low = middle
        else:
            high = middle
    return round(low, 2)


def share_in_time(arena: StudyArena, scenario: str, entrant: Entrant, load: float) -> float:
    """Return the share of the requests that are answered in time at a Poisson load, the mean over the seeds."""
    shares = []
    for seed in range(SEEDS):
        case = arena.case(Round(scenario, LAYOUT, "poisson", load, seed))
        shares.append(in_time(case.workload, entrant.play(case)))
    print(f"{scenario} {load:.2f}x: {np.mean(shares):.4f} in time", file=sys.stderr, flush=True)
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
