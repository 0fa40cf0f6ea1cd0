"""What do several routers lose that see each other only in what the servers reported a second ago?

Learned, four co-located GPUs, unpredictable loads, the same requests: four routers against one that knows all. The
first seconds, in which a router has yet to see what others there are, are shown apart. The last line is one JSON
object. Goal: at most 1.5 points of peak in scoring; what generations lose is shown beside it.
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
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_study.entrant import Entrant
    from besteffort_train.evaluation import Interval

ROUTERS, SCRAPE_S, DELAY_S = 4, 1.0, 0.0005
WARM_UP_S = 5.0
GENERATING = ("GE", "MX")
GOAL_POINTS = 1.5


def main() -> None:
    found = {scenario: played(scenario) for scenario in (SCENARIO, *GENERATING)}
    scoring = found[SCENARIO]
    lost = lost_points(scoring)
    print(
        json.dumps(
            {
                "bar": "stale",
                "value": {"points_lost": round(lost.mean, 2), "interval": round(lost.half, 2)},
                "goal": {"points_lost": GOAL_POINTS},
                "holds": lost.mean <= GOAL_POINTS,
                "share_of_peak": means(scoring, 0),
                "whole_runs": means(scoring, 2),
                "routers": ROUTERS,
                "scrape_s": SCRAPE_S,
                "by_load": {
                    f"{family} {load}x": round(100.0 * float((scoring[:, place, 0] - scoring[:, place, 1]).mean()), 2)
                    for place, (family, load) in enumerate(UNPREDICTABLE)
                },
                "beside it": {
                    name: {
                        "points_lost": round(lost_points(found[name]).mean, 2),
                        "interval": round(lost_points(found[name]).half, 2),
                        "share_of_peak": means(found[name], 0),
                    }
                    for name in GENERATING
                },
                "seeds": SEEDS,
            }
        )
    )


def lost_points(found: NDArray[np.float64]) -> Interval:
    """Return the points of peak that several lose, after the warm-up."""
    return interval(100.0 * (found[..., 0] - found[..., 1]).mean(axis=1))


def means(found: NDArray[np.float64], first: int) -> dict[str, float]:
    """Return two of the four shares in the mean."""
    return {"one": round(float(found[..., first].mean()), 4), "several": round(float(found[..., first + 1].mean()), 4)}


def played(name: str) -> NDArray[np.float64]:
    """Return the shares of peak of a scenario, (seeds, loads, 4)."""
    pool = build_study_pool(gpu_profile(PROFILES[0]), LAYOUT, scenario(name))
    unit_rps = study_unit_rps(PROFILES[0], name)
    ours = entrants(name, LAYOUT)[OURS]
    runs = [(*load, seed) for seed in TEST_SEEDS[:SEEDS] for load in UNPREDICTABLE]
    with ThreadPoolExecutor(CORES) as threads:
        found = list(threads.map(lambda run: shares(name, ours, pool, unit_rps, run), runs))
    return np.array(found).reshape(SEEDS, len(UNPREDICTABLE), 4)


def shares(
    name: str, ours: Entrant, pool: Pool, unit_rps: float, run: tuple[str, float, int]
) -> tuple[float, float, float, float]:
    """Return the shares of peak of one router and of several, after the warm-up and of the whole run."""
    family, load, seed = run
    requests = draw_workload(scenario(name), family, load * unit_rps, seed, duration_s=DURATION_S + WARM_UP_S)
    peak = peaks(pool, requests)
    later, found = requests.arrival_s >= WARM_UP_S, []
    for routers in (1, ROUTERS):
        at = np.random.default_rng(seed).integers(0, routers, requests.task.size)
        world = true_world(pool)._replace(overhead_s=DELAY_S, routers=routers, scrape_s=SCRAPE_S)
        reward = ours.play(Case(pool, world, requests._replace(router=at))).reward
        found.append((reward[later].sum() / peak[later].sum(), reward.sum() / peak.sum()))
    print(f"{name} {family} {load}x, seed {seed}: one {found[0][0]:.4f}, several {found[1][0]:.4f}", file=sys.stderr)
    return found[0][0], found[1][0], found[0][1], found[1][1]


if __name__ == "__main__":
    main()
