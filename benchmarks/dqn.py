"""Is ours better than the paper's method? Learned against the study's DQN on the same arrivals, in unpredictable load.

The DQN is the paper's on exactly its state, trained on 0.2 to 26 load units (`besteffort_study.training`), and it plays
without a guard of its range, which the paper has not; like every policy here it may choose only what is predicted in
time. A DQN trained on less is played beyond its range as well. The last line is one JSON object.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from studied import CORES, OURS, SEEDS, UNPREDICTED, told

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import share_of_peak
from besteffort_sim.simulator import simulate
from besteffort_study.catalogue import DURATION_S
from besteffort_study.contest import hold_contest
from besteffort_study.grid import Load, Setting
from besteffort_study.ground import LOADS, Ground
from besteffort_study.statistics import paired
from besteffort_study.trained import DQN
from besteffort_study.training import course
from besteffort_train.dqn import everywhere, train
from besteffort_train.hyper import Hyper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_study.statistics import Paired

POINTS = {"SC co": 2.0, "SC ded": 1.0, "GE ded": 5.0, "MX ded": 5.0}
"""Points of peak to be ahead by."""
WON = 0.95
"""Share of the runs to be won."""
NARROW, BEYOND, INSIDE = (0.2, 2.5), (4.0, 8.0, 14.0, 18.0), (0.5, 1.0, 2.0)
"""Loads of another training, and Poisson loads outside and inside of it."""


def main() -> None:
    found, holds = {}, True
    for name, points in POINTS.items():
        base, layout = name.split()
        contest = hold_contest(Setting(base, layout, UNPREDICTED), (OURS, DQN), SEEDS, CORES, report=told)
        values = [contest.shares(player) for player in (OURS, DQN)]
        result = paired(*values)
        holds &= 100.0 * result.ahead.mean >= points and result.won >= WON * result.runs
        found[name] = row(result, values)
        print(name, found[name], flush=True)
    report = {
        "bar": "dqn",
        "value": {name: one["ahead"] for name, one in found.items()},
        "goal": {"points": POINTS, "won": WON, "seeds": SEEDS},
        "holds": bool(holds),
        "settings": found,
        "trained_on_loads": LOADS,
        "beyond_its_range": beyond(),
    }
    print(json.dumps(report))


def row(result: Paired, values: list[NDArray[np.float64]]) -> dict[str, object]:
    """Return a setting's line: points of peak with half their interval, runs won, and both fractions of peak."""
    return {
        "ahead": round(100.0 * result.ahead.mean, 2),
        "half": round(100.0 * result.ahead.half, 2),
        "won": round(result.won / result.runs, 3),
        "runs": result.runs,
        "learned": round(float(values[0].mean()), 4),
        "dqn": round(float(values[1].mean()), 4),
    }


def beyond() -> dict[str, dict[str, float]]:
    """Return reward over peak at loads within and beyond the range of a DQN that is trained on less."""
    loads = tuple(Load("poisson", load) for load in (*INSIDE, *BEYOND))
    contest = hold_contest(Setting("SC", "co", loads), (DQN, OURS), SEEDS, CORES, report=told)
    shares = {
        "trained on Poisson 0.2 to 2.5x": narrow(loads),
        "trained on 0.2 to 26x": contest.shares(DQN),
        OURS: contest.shares(OURS),
    }
    names = [f"{one.load:g}x" for one in loads]
    return {
        player: {name: round(float(share), 4) for name, share in zip(names, found.mean(axis=1), strict=True)}
        for player, found in shares.items()
    }


def narrow(loads: tuple[Load, ...]) -> NDArray[np.float64]:
    """Train a DQN on less; return its reward over peak, (loads, seeds)."""
    ground = Ground("SC/co", NARROW, ("poisson",))
    plan = build_plan(Kind.DQN, network=everywhere(train(course(ground), Hyper(), seed=0).network))

    def one(load: Load, seed: int) -> float:
        case = ground.episode(*load, seed, DURATION_S)
        return share_of_peak(case.pool, case.workload, simulate(*case, plan))

    with ThreadPoolExecutor(CORES) as threads:
        found = list(threads.map(lambda run: one(*run), [(load, seed) for load in loads for seed in range(SEEDS)]))
    return np.array(found).reshape(len(loads), SEEDS)


if __name__ == "__main__":
    main()
