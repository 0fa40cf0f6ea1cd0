"""What do several routers lose that see each other only in what the servers reported a second ago?

Learned, four co-located GPUs, unpredictable loads, the same requests: four routers against one that knows all, after
seconds in which a router has yet to see what others there are. The last line is one JSON object. Goal: at most 1.5
points of peak in scoring with four routers that have as many requests each; beside it, with fewer seeds: other numbers
of routers, one that has most of the requests, dedicated GPUs, sizes that share a GPU equally, and generations.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

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

    from besteffort_train.evaluation import Interval

SCRAPE_S, DELAY_S = 1.0, 0.0005
WARM_UP_S = 5.0
GOAL_POINTS = 1.5
FEW_SEEDS = 3


class Place(NamedTuple):
    """Where several routers are compared with one."""

    scenario: str = SCENARIO
    layout: str = LAYOUT
    shares: tuple[float, ...] = (0.25,) * 4
    """Of the requests, for each router."""
    turns: bool = True
    """Whether the sizes on a GPU take turns; else they share it equally."""


GOAL = Place()
BESIDE = {
    "2 routers": Place(shares=(0.5,) * 2),
    "8 routers": Place(shares=(0.125,) * 8),
    "one of 4 has 70 %": Place(shares=(0.7, 0.1, 0.1, 0.1)),
    "dedicated": Place(layout="ded"),
    "equal sharing": Place(turns=False),
    "GE": Place("GE"),
    "MX": Place("MX"),
}


def main() -> None:
    found = played(GOAL, SEEDS)
    lost = lost_points(found)
    beside = {name: lost_points(played(place, FEW_SEEDS)) for name, place in BESIDE.items()}
    print(
        json.dumps(
            {
                "bar": "stale",
                "value": {"points_lost": round(lost.mean, 2), "interval": round(lost.half, 2)},
                "goal": {"points_lost": GOAL_POINTS},
                "holds": lost.mean <= GOAL_POINTS,
                "share_of_peak": {"one": round(found[..., 0].mean(), 4), "several": round(found[..., 1].mean(), 4)},
                "routers": len(GOAL.shares),
                "scrape_s": SCRAPE_S,
                "by_load": {
                    f"{family} {load}x": round(lost_points(found[:, [k]]).mean, 2)
                    for k, (family, load) in enumerate(UNPREDICTABLE)
                },
                "seeds": SEEDS,
                "beside": {
                    name: {"points_lost": round(one.mean, 2), "interval": round(one.half, 2)}
                    for name, one in beside.items()
                },
                "seeds_beside": FEW_SEEDS,
            }
        )
    )


def lost_points(found: NDArray[np.float64]) -> Interval:
    """Return the points of peak that several lose, of (seeds, loads, one and several)."""
    return interval(100.0 * (found[..., 0] - found[..., 1]).mean(axis=1))


def played(place: Place, seeds: int) -> NDArray[np.float64]:
    """Return the shares of peak after the warm-up, (seeds, loads, one and several)."""
    runs = [(*load, seed) for seed in TEST_SEEDS[:seeds] for load in UNPREDICTABLE]
    with ThreadPoolExecutor(CORES) as threads:
        found = list(threads.map(lambda run: shares(place, *run), runs))
    return np.array(found).reshape(seeds, len(UNPREDICTABLE), 2)


def shares(place: Place, family: str, load: float, seed: int) -> tuple[float, float]:
    """Return the shares of peak of one router and of several."""
    asked, unit_rps = scenario(place.scenario), study_unit_rps(PROFILES[0], place.scenario)
    pool = build_study_pool(gpu_profile(PROFILES[0]), place.layout, asked)._replace(turns=place.turns)
    requests = draw_workload(asked, family, load * unit_rps, seed, duration_s=DURATION_S + WARM_UP_S)
    ours, peak, later = (
        entrants(place.scenario, place.layout)[OURS],
        peaks(pool, requests),
        requests.arrival_s >= WARM_UP_S,
    )
    several = np.random.default_rng(seed).choice(len(place.shares), requests.task.size, p=place.shares)
    found = []
    for routers, at in ((1, np.zeros_like(several)), (len(place.shares), several)):
        world = true_world(pool)._replace(overhead_s=DELAY_S, routers=routers, scrape_s=SCRAPE_S)
        reward = ours.play(Case(pool, world, requests._replace(router=at))).reward
        found.append(float(reward[later].sum() / peak[later].sum()))
    print(f"{place} {family} {load}x, seed {seed}: one {found[0]:.4f}, several {found[1]:.4f}", file=sys.stderr)
    return found[0], found[1]


if __name__ == "__main__":
    main()
