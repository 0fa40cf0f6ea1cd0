"""What does a latency profile cost that is wrong by a factor, in the first minute and after it?

Scoring on four co-located GPUs. For each factor and load: the reward with the profile that is wrong, against the same
requests on the same slower or faster GPUs with a profile that is right. Both correct what they believe: so factor 1 is
one run twice, and does not tell what correcting costs where nothing is wrong. The last line is one JSON object.
Goal: at most 1 point of peak after the first minute, in the mean over the loads, for each factor.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import peaks
from besteffort_sim.simulator import simulate
from besteffort_study.catalogue import TEST_SEEDS, draw_workload
from besteffort_study.load_unit import load_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import scenario

if TYPE_CHECKING:
    from besteffort_core.model import Pool

FACTORS = (0.5, 0.67, 1.0, 1.5, 2.0)
"""True over profiled seconds."""
LOADS = (("poisson", 0.5), ("poisson", 1.0), ("poisson", 2.0), ("poisson", 5.0), ("maf", 1.0), ("mmpp", 2.0))
FIRST_S, DURATION_S = 60.0, 150.0
SEEDS = 3
GOAL_POINTS = 1.0
PRICE = np.array([-2.0, 0.3, 2.0, 0.3])


def main() -> None:
    pool = build_study_pool(gpu_profile(PROFILES[0]), "co", scenario("SC"))
    unit_rps = load_unit_rps(pool, true_world(pool), scenario("SC"))
    found = {}
    for factor in FACTORS:
        lost = [[losses(pool, unit_rps, factor, *load, seed) for seed in TEST_SEEDS[:SEEDS]] for load in LOADS]
        found[factor] = 100.0 * np.mean(lost, axis=1)
        print(f"{factor}: {found[factor].mean(axis=0).round(2)}", file=sys.stderr)
    after = {str(factor): round(float(table[:, 1].mean()), 2) for factor, table in found.items()}
    names = [f"{family} {load}x" for family, load in LOADS]
    print(
        json.dumps(
            {
                "bar": "calibration",
                "value": {"points_lost_after_a_minute": max(after.values())},
                "goal": {"points_lost_after_a_minute": GOAL_POINTS},
                "holds": max(after.values()) <= GOAL_POINTS,
                "after_a_minute": after,
                "first_minute": {str(factor): round(float(table[:, 0].mean()), 2) for factor, table in found.items()},
                "by_load_after": {
                    str(factor): dict(zip(names, table[:, 1].round(2).tolist(), strict=True))
                    for factor, table in found.items()
                },
                "seeds": SEEDS,
            }
        )
    )


def losses(pool: Pool, unit_rps: float, factor: float, family: str, load: float, seed: int) -> tuple[float, float]:
    """Return what the wrong profile costs, as shares of peak, in the first minute and after it."""
    requests = draw_workload(scenario("SC"), family, load * unit_rps, seed, duration_s=DURATION_S)
    plan, peak = build_plan(Kind.PRICE, PRICE), peaks(pool, requests)
    scaled = pool._replace(batch_s=factor * pool.batch_s, sequence_s=factor * pool.sequence_s)
    wrong = true_world(pool)._replace(slowness=np.full(pool.max_batch.size, factor))
    right = simulate(scaled, true_world(scaled), requests, plan).reward
    lost, first = right - simulate(pool, wrong, requests, plan).reward, requests.arrival_s < FIRST_S
    return lost[first].sum() / peak[first].sum(), lost[~first].sum() / peak[~first].sum()


if __name__ == "__main__":
    main()
