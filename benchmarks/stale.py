"""What do several routers lose that see each other only in what the servers reported a second ago?

Learned, scoring on four co-located GPUs, unpredictable loads, the same requests: four routers against one that knows
all. The first seconds, in which a router has yet to see how many others there are, are shown apart. The last line is
one JSON object. Goal: at most 1.5 points of peak.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS

from besteffort_sim.report import peaks
from besteffort_study.catalogue import DURATION_S, TEST_SEEDS, UNPREDICTABLE, draw_workload
from besteffort_study.entrant import Case
from besteffort_study.entrants import entrants
from besteffort_study.load_unit import study_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import scenario
from besteffort_train.evaluation import interval

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_study.entrant import Entrant

ROUTERS, SCRAPE_S, DELAY_S = 4, 1.0, 0.0005
WARM_UP_S = 5.0
GOAL_POINTS = 1.5


def main() -> None:
    pool = build_study_pool(gpu_profile(PROFILES[0]), LAYOUT, scenario(SCENARIO))
    unit_rps = study_unit_rps(PROFILES[0], SCENARIO)
    ours, runs = (
        entrants(SCENARIO, LAYOUT)[OURS],
        [(*load, seed) for seed in TEST_SEEDS[:SEEDS] for load in UNPREDICTABLE],
    )
    with ThreadPoolExecutor(CORES) as threads:
        played = list(threads.map(lambda run: shares(ours, pool, unit_rps, *run), runs))
    found = np.array(played).reshape(SEEDS, len(UNPREDICTABLE), 4)
    one, several = found[..., 0], found[..., 1]
    lost = interval(100.0 * (one - several).mean(axis=1))
    print(
        json.dumps(
            {
                "bar": "stale",
                "value": {"points_lost": round(lost.mean, 2), "interval": round(lost.half, 2)},
                "goal": {"points_lost": GOAL_POINTS},
                "holds": lost.mean <= GOAL_POINTS,
                "share_of_peak": {"one": round(one.mean(), 4), "several": round(several.mean(), 4)},
                "whole_runs": {"one": round(found[..., 2].mean(), 4), "several": round(found[..., 3].mean(), 4)},
                "routers": ROUTERS,
                "scrape_s": SCRAPE_S,
                "by_load": {
                    f"{family} {load}x": round(100.0 * float((one - several)[:, place].mean()), 2)
                    for place, (family, load) in enumerate(UNPREDICTABLE)
                },
                "seeds": SEEDS,
            }
        )
    )


def shares(
    ours: Entrant, pool: Pool, unit_rps: float, family: str, load: float, seed: int
) -> tuple[float, float, float, float]:
    """Return the shares of peak of one router and of several, after the warm-up and of the whole run."""
    requests = draw_workload(scenario(SCENARIO), family, load * unit_rps, seed, duration_s=DURATION_S + WARM_UP_S)
    peak = peaks(pool, requests)
    later, found = requests.arrival_s >= WARM_UP_S, []
    for routers in (1, ROUTERS):
        at = np.random.default_rng(seed).integers(0, routers, requests.task.size)
        world = true_world(pool)._replace(overhead_s=DELAY_S, routers=routers, scrape_s=SCRAPE_S)
        reward = ours.play(Case(pool, world, requests._replace(router=at))).reward
        found.append((reward[later].sum() / peak[later].sum(), reward.sum() / peak.sum()))
    print(f"{family} {load}x, seed {seed}: one {found[0][0]:.4f}, several {found[1][0]:.4f}", file=sys.stderr)
    return found[0][0], found[1][0], found[0][1], found[1][1]


if __name__ == "__main__":
    main()
