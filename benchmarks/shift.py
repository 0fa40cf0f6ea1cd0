"""What does a narrow tuning cost elsewhere? Learned, tuned by this run on Poisson traffic of 0.5 to 2 load units only.

Scoring on 4 co-located GPUs. The narrow scorer sets out from Price, tuned as narrowly. It is compared on the same
arrivals with the scorer that ships, which was tuned broadly: on 4 to 8 load units, bursts, the Azure trace, other mixes
of tasks and prompts two to three times as long. It plays alone, which is what the bar is about, and with the router's
guard, which lets the scorer that ships decide beyond the narrow one's range. The paper's DQN, trained on all loads,
stands beside them. The last line is one JSON object. Goal: at most 1 point of peak lost on any of them, alone.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import share_of_peak
from besteffort_study.arena import build_arena
from besteffort_study.catalogue import TUNING_SEEDS, draw_workload
from besteffort_study.cell import Round
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.planned import Planned
from besteffort_study.pools import true_world
from besteffort_study.profiles import PROFILES
from besteffort_study.scenarios import scenario
from besteffort_train.episodes import Episode, Service
from besteffort_train.evaluation import interval
from besteffort_train.search import ScorerSearch, search_scorer, start_scorers
from besteffort_train.tune import Search, tune_price

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_study.arena import StudyArena
    from besteffort_study.entrant import Entrant

GOAL_POINTS = 1.0
TUNED = (0.5, 2.0)
EPISODE_S = 20.0
PRICE, SCORER = Search(rounds=10, candidates=8), ScorerSearch(rounds=30, candidates=10, episodes=8, check_episodes=24)
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
    alone, guarded = narrow(arena)
    policies = {"narrow": alone, "guarded": guarded, "broad": known[OURS], Kind.DQN.value: known[Kind.DQN.value]}
    found = {name: measured(arena, policies, places) for name, places in ELSEWHERE.items()}
    lost, kept = points_lost(found, "narrow"), points_lost(found, "guarded")
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
                "points_lost_with_the_guard": {name: round(interval(points).mean, 2) for name, points in kept.items()},
                "of_peak": {
                    name: {policy: round(float(share.mean()), 4) for policy, share in shares.items()}
                    for name, shares in found.items()
                },
                "tuned_on": f"poisson {TUNED[0]:g} to {TUNED[1]:g} load units, {SCORER.rounds} rounds",
                "seeds": SEEDS,
            }
        )
    )


def points_lost(found: dict[str, dict[str, NDArray[np.float64]]], policy: str) -> dict[str, NDArray[np.float64]]:
    """Return what a policy has less than the broad one, in points of peak, (seeds,) for each place."""
    return {name: 100.0 * (shares["broad"] - shares[policy]).mean(axis=1) for name, shares in found.items()}


def narrow(arena: StudyArena) -> tuple[Entrant, Entrant]:
    """Return the scorer tuned on Poisson traffic only: alone, and as the router would guard it."""
    pool, unit_rps = arena.case(Round(SCENARIO, LAYOUT, "poisson", 1.0, 0)).pool, arena.facts(SCENARIO, LAYOUT).unit_rps
    asked = scenario(SCENARIO)
    rng = np.random.default_rng(0)
    price = tune_price([drawn(pool, unit_rps, rng) for _ in range(SCORER.check_episodes)], PRICE, rng)
    sys.stderr.write(f"Price is tuned: {np.round(price, 3)}\n")
    service = Service(asked.tasks, ("small", "medium", "large"), pool, asked.deadline_s, sys.maxsize)
    start, _general = start_scorers(service, price, SCORER.hidden, seed=0)
    best = search_scorer([start], lambda rng: drawn(pool, unit_rps, rng), SCORER, seed=0)
    sys.stderr.write(f"the best scorer is that of round {best.round}\n")
    plan = build_plan(Kind.LEARNED, network=best.scorer)
    return Planned(plan._replace(general=start)), Planned(plan)


def drawn(pool: Pool, unit_rps: float, rng: np.random.Generator) -> Episode:
    """Return an episode of what is tuned on."""
    rate_rps, seed = unit_rps * rng.uniform(*TUNED), int(rng.integers(TUNING_SEEDS.start, TUNING_SEEDS.stop))
    load = draw_workload(scenario(SCENARIO), "poisson", rate_rps, seed, duration_s=EPISODE_S)
    return Episode(pool, true_world(pool), load)


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
