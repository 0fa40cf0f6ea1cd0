"""The load unit: the rate at which the best size alone still answers in time on the same GPUs. Found, never typed."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import request_s
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_study.catalogue import UNIT_SEEDS, draw_workload
from besteffort_study.errors import StudyError
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import gpu_profile
from besteffort_study.scenarios import scenario as scenario_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Workload, World
    from besteffort_study.scenarios import Scenario

__all__ = ["AVAILABLE", "highest_rate_rps", "in_time", "load_unit_rps", "static_rate_rps", "study_unit_rps"]

AVAILABLE = 0.99
"""Share of the requests answered in time that counts as available."""
SEEDS = 6
PRECISION = 0.005
"""Of a rate that is searched for."""
COARSE = 0.05
"""Of the search with one seed, which the search with all of them starts from."""
STEPS = 20
UNIT_LAYOUT = "co"
"""The load unit is that of the best size alone on all GPUs, whatever the layout that is studied."""


def load_unit_rps(pool: Pool, world: World, scenario: Scenario) -> float:
    """Return requests per second: one load unit of a scenario on a pool, which should be the co-located one.

    Raises:
        StudyError: even the least load is not answered in time.
    """
    return static_rate_rps(pool, world, scenario, int(pool.rank[0]))


@functools.cache
def study_unit_rps(gpu: str, base: str) -> float:
    """Return the load unit of a scenario of the study on a GPU's profile, on co-located models.

    Raises:
        StudyError: there is no such profile or scenario, or even the least load is not answered in time.
    """
    asked = scenario_of(base)
    pool = build_study_pool(gpu_profile(gpu), UNIT_LAYOUT, asked)
    return load_unit_rps(pool, true_world(pool), asked)


def static_rate_rps(pool: Pool, world: World, scenario: Scenario, size: int) -> float:
    """Return the highest Poisson rate that one size answers in time on all its backends; lateness is worth nothing.

    Raises:
        StudyError: even the least load is not answered in time.
    """
    strict, plan = pool._replace(grace_factor=1.0), build_plan(Kind.STATIC, np.array([float(size)]))

    def share(rate_rps: float, seeds: int) -> float:
        loads = [draw_workload(scenario, "poisson", rate_rps, seed) for seed in UNIT_SEEDS[:seeds]]
        return float(np.mean([in_time(load, simulate(strict, world, load, plan)) for load in loads]))

    devices = np.unique(pool.device_of[pool.size_of == size]).size
    start_rps = devices / request_s(pool, size, sum(scenario.lengths.prompt) // 2)
    near_rps = highest_rate_rps(lambda rate_rps: share(rate_rps, 1), start_rps, precision=COARSE)
    return highest_rate_rps(lambda rate_rps: share(rate_rps, SEEDS), near_rps, step=COARSE)


def in_time(workload: Workload, log: Log) -> float:
    """Return the share of the requests that were answered within their deadlines."""
    return float(np.mean(log.latency_s <= workload.deadline_s))


def highest_rate_rps(
    share_in_time: Callable[[float], float], start_rps: float, *, step: float = 1.0, precision: float = PRECISION
) -> float:
    """Return the highest rate at which a share that falls with the rate is still what counts as available.

    It is looked for from `start_rps` in steps of that part, then between the last two rates.

    Raises:
        StudyError: it is not so at any rate within twenty steps.
    """
    low_rps = high_rps = start_rps
    for _ in range(STEPS):
        if share_in_time(low_rps) >= AVAILABLE:
            break
        high_rps, low_rps = low_rps, low_rps / (1.0 + step)
    else:
        raise StudyError(f"no rate from {low_rps:.3g} to {start_rps:.3g} requests per second is answered in time")
    while low_rps == high_rps:
        above_rps = high_rps * (1.0 + step)
        if share_in_time(above_rps) >= AVAILABLE:
            low_rps = high_rps = above_rps
        else:
            high_rps = above_rps
    while high_rps / low_rps > 1.0 + precision:
        middle_rps = math.sqrt(low_rps * high_rps)
        if share_in_time(middle_rps) >= AVAILABLE:
            low_rps = middle_rps
        else:
            high_rps = middle_rps
    return low_rps
