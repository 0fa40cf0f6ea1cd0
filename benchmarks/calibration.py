"""What does a latency profile, or an expected length of outputs, cost that is wrong by a factor?

Learned on four co-located GPUs, scoring and generation. For each factor and load: the reward with what is wrong,
against the same requests on the same GPUs where it is right. Both correct what they believe. The last line is one JSON
object. Goal: at most 1 point of peak after the first minute, in the mean over the loads, for each factor. Beside it, a
profile in which one size alone is wrong: the models of a device share one correction.
"""

from __future__ import annotations

import functools
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS

from besteffort_sim.report import peaks
from besteffort_study.catalogue import TEST_SEEDS, draw_workload
from besteffort_study.entrant import Case
from besteffort_study.entrants import entrants
from besteffort_study.load_unit import study_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload
    from besteffort_study.entrant import Entrant

    Measure = Callable[[tuple[str, float, int]], tuple[float, float]]

ONE_SIZE = "1.5, the largest alone"
FACTORS = {
    **{str(factor): np.full(3, factor) for factor in (0.5, 0.75, 1.15, 1.5, 2.0)},
    ONE_SIZE: np.array([1.0, 1.0, 1.5]),
}
"""True over profiled seconds, (sizes,)."""
GENERATION = "GE"
GENERATED = (0.5, 0.75, 1.5, 2.0)
"""True over profiled seconds of generation, or over expected tokens of an output."""
LOADS = (("poisson", 0.5), ("poisson", 1.0), ("poisson", 2.0), ("poisson", 5.0), ("maf", 1.0), ("mmpp", 2.0))
FIRST_S, DURATION_S = 60.0, 150.0
GOAL_POINTS = 1.0


def main() -> None:
    runs = [(*load, seed) for load in LOADS for seed in TEST_SEEDS[:SEEDS]]
    found = {}
    with ThreadPoolExecutor(CORES) as threads:
        for name, measure in {**wrong_profiles(), **wrong_generation()}.items():
            found[name] = 100.0 * np.array(list(threads.map(measure, runs))).reshape(len(LOADS), SEEDS, 2).mean(axis=1)
            print(f"{name}: {found[name].mean(axis=0).round(2)}", file=sys.stderr)
    after = {name: round(float(table[:, 1].mean()), 2) for name, table in found.items()}
    worst = max(points for name, points in after.items() if name != ONE_SIZE)
    names = [f"{family} {load}x" for family, load in LOADS]
    print(
        json.dumps(
            {
                "bar": "calibration",
                "value": {"points_lost_after_a_minute": worst},
                "goal": {"points_lost_after_a_minute": GOAL_POINTS},
                "holds": worst <= GOAL_POINTS,
                "after_a_minute": after,
                "first_minute": {name: round(float(table[:, 0].mean()), 2) for name, table in found.items()},
                "by_load_after": {
                    name: dict(zip(names, table[:, 1].round(2).tolist(), strict=True)) for name, table in found.items()
                },
                "seeds": SEEDS,
            }
        )
    )


def wrong_profiles() -> dict[str, Measure]:
    return {name: functools.partial(by_profile, SCENARIO, factors) for name, factors in FACTORS.items()}


def wrong_generation() -> dict[str, Measure]:
    profiles = {f"generation {by}": functools.partial(by_profile, GENERATION, np.full(3, by)) for by in GENERATED}
    return {**profiles, **{f"outputs {factor}": functools.partial(by_length, factor) for factor in GENERATED}}


def by_profile(name: str, factors: NDArray[np.float64], run: tuple[str, float, int]) -> tuple[float, float]:
    """Return what the wrong profile costs, as shares of peak, in the first minute and after it."""
    pool, requests = case(name, run)
    scaled = pool._replace(
        batch_s=factors[:, None] * pool.batch_s,
        sequence_s=factors * pool.sequence_s,
        context_s=factors * pool.context_s,
    )
    wrong = true_world(pool)._replace(slowness=factors)
    return points_lost(name, Case(scaled, true_world(scaled), requests), Case(pool, wrong, requests))


def by_length(factor: float, run: tuple[str, float, int]) -> tuple[float, float]:
    """Return what the wrong expectation costs."""
    pool, requests = case(GENERATION, run)
    believed = pool._replace(mean_steps=pool.mean_steps / factor)
    expecting = requests._replace(steps=requests.steps / factor)
    world = true_world(pool)
    return points_lost(GENERATION, Case(pool, world, requests), Case(believed, world, expecting))


def case(name: str, run: tuple[str, float, int]) -> tuple[Pool, Workload]:
    """Return the GPUs of a scenario and the requests of a run."""
    (family, load, seed), asked = run, scenario(name)
    rate_rps = load * study_unit_rps(PROFILES[0], name)
    requests = draw_workload(asked, family, rate_rps, seed, duration_s=DURATION_S)
    return build_study_pool(gpu_profile(PROFILES[0]), LAYOUT, asked), requests


@functools.cache
def ours(name: str) -> Entrant:
    return entrants(name, LAYOUT)[OURS]


def points_lost(name: str, right: Case, wrong: Case) -> tuple[float, float]:
    peak, first = peaks(right.pool, right.workload), right.workload.arrival_s < FIRST_S
    lost = ours(name).play(right).reward - ours(name).play(wrong).reward
    return lost[first].sum() / peak[first].sum(), lost[~first].sum() / peak[~first].sum()


if __name__ == "__main__":
    main()
