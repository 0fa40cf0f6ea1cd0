"""What does narrow training cost elsewhere? Learned, trained on Poisson traffic of 0.5 to 2 load units only.

Scoring on 4 co-located GPUs. The narrow scorer sets out from Price's default numbers, and is compared on the same
arrivals with one that was trained on everything: on 4 to 8 load units, bursts, the Azure trace, other mixes of tasks
and prompts two to three times as long. It plays alone, which is what the bar is about; and as a router has it, which
beyond the range of the narrow one leaves the choice to the built-in one, and that has seen everything. The paper's DQN,
trained on all loads, stands beside them. The last line is one JSON object. Goal: at most 1 point of peak lost on any.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS

from besteffort_sim.report import share_of_peak
from besteffort_study.arena import build_arena
from besteffort_study.cell import Round
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.ground import NARROW as RUNS
from besteffort_study.planned import Planned
from besteffort_study.profiles import PROFILES
from besteffort_study.trained import DQN, NARROW
from besteffort_train.evaluation import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_study.arena import StudyArena
    from besteffort_study.entrant import Entrant

GOAL_POINTS = 1.0
ELSEWHERE = {
    "as tuned": [(SCENARIO, Load("poisson", load)) for load in (0.5, 1.0, 2.0)],
    "4 to 8x": [(SCENARIO, Load("poisson", load)) for load in (4.0, 8.0)],
    "bursts": [(SCENARIO, Load(*pair)) for pair in (("maf", 1.0), ("maf", 2.0), ("maf", 4.0), ("mmpp", 1.0))],
    "azure": [(SCENARIO, Load("azure", load)) for load in (0.5, 1.0, 2.0)],
    "mixes": [
        (f"{SCENARIO}+{task}", Load("poisson", load))
        for task in ("hellaswag", "piqa", "lambada")
        for load in (1.0, 2.0)
    ],
    "long prompts": [(f"{SCENARIO}+long", Load("poisson", load)) for load in (0.5, 1.0)],
}


def main() -> None:
    loads = tuple(dict.fromkeys(load for places in ELSEWHERE.values() for _, load in places))
    arena = build_arena(PROFILES[0], Grid("shift", (Setting(SCENARIO, LAYOUT, loads),), SEEDS))
    known = arena.entrants(SCENARIO, LAYOUT)
    served = known[NARROW]
    policies = {"narrow": alone(served), "guarded": served, "broad": known[OURS], DQN: known[DQN]}
    found = {name: measured(arena, policies, places) for name, places in ELSEWHERE.items()}
    lost, guarded = points_lost(found, "narrow"), points_lost(found, "guarded")
    value = max(float(points.mean()) for points in lost.values())
    print(
        json.dumps(
            {
                "bar": "shift",
                "value": round(value, 2),
                "goal": GOAL_POINTS,
                "holds": value <= GOAL_POINTS,
                "points_lost": {name: round(interval(points).mean, 2) for name, points in lost.items()},
                "half_interval": {name: round(interval(points).half, 2) for name, points in lost.items()},
                "points_lost_as_served": {name: round(interval(points).mean, 2) for name, points in guarded.items()},
                "of_peak": {
                    name: {policy: round(float(share.mean()), 4) for policy, share in shares.items()}
                    for name, shares in found.items()
                },
                "trained_on": [f"{family} {load:g}x" for family, load in RUNS],
                "seeds": SEEDS,
            }
        )
    )


def points_lost(found: dict[str, dict[str, NDArray[np.float64]]], policy: str) -> dict[str, NDArray[np.float64]]:
    """Return what a policy has less than the broad one, in points of peak, (seeds,) for each place."""
    return {name: 100.0 * (shares["broad"] - shares[policy]).mean(axis=1) for name, shares in found.items()}


def alone(narrow: Entrant) -> Entrant:
    """Return the narrow one as it plays without the built-in one to leave a choice to."""
    assert isinstance(narrow, Planned)
    scorer, everywhere = narrow.plan.scorer, np.full_like(narrow.plan.scorer.low, np.inf)
    return Planned(narrow.plan._replace(scorer=scorer._replace(low=-everywhere, high=everywhere)))


def measured(
    arena: StudyArena, policies: dict[str, Entrant], places: list[tuple[str, Load]]
) -> dict[str, NDArray[np.float64]]:
    """Return the shares of peak of each policy, (seeds, places)."""
    where = [Round(asked, LAYOUT, *load, seed) for seed in range(SEEDS) for asked, load in places]

    def shares(place: Round) -> list[float]:
        case = arena.case(place)
        return [share_of_peak(case.pool, case.workload, entrant.play(case)) for entrant in policies.values()]

    with ThreadPoolExecutor(CORES) as threads:
        found = np.array(list(threads.map(shares, where))).reshape(SEEDS, len(places), len(policies))
    return {name: found[:, :, k] for k, name in enumerate(policies)}


if __name__ == "__main__":
    main()
