"""Is ours better than the paper's method? Learned against the study's DQN on the same arrivals, in unpredictable load.

The DQN is the paper's on exactly its state, trained on 0.2 to 26 load units (`besteffort_study.paper`), and it plays
without a guard of its range, which the paper has not; like every policy here it may choose only what is predicted in
time. A DQN trained on less is played beyond its range as well. The last line is one JSON object.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_study.catalogue import UNPREDICTABLE
from besteffort_study.entrant import Case
from besteffort_study.entrants import entrants
from besteffort_study.paper import LOADS, Setting, paper_entrant
from besteffort_study.planned import Planned
from besteffort_study.statistics import paired
from besteffort_train.dqn import everywhere, train
from besteffort_train.hyper import Hyper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_study.entrant import Entrant
    from besteffort_study.statistics import Paired

SEEDS = 10
POINTS = {"SC co": 2.0, "SC ded": 1.0, "GE ded": 5.0, "MX ded": 5.0}
"""Points of peak to be ahead by."""
WON = {"SC co": 0.95}
"""Share of the runs to be won."""
SECONDS = 60.0
NARROW, BEYOND, INSIDE = (0.2, 2.5), (4.0, 8.0, 14.0, 18.0), (0.5, 1.0, 2.0)
"""Loads of another training, and Poisson loads outside and inside of it."""


def main() -> None:
    found, holds = {}, True
    for name, points in POINTS.items():
        base, layout = name.split()
        setting, theirs = Setting(f"{base}/{layout}"), paper_entrant(base, layout)
        ours, runs = entrants(base, layout)[Kind.LEARNED.value], UNPREDICTABLE
        values = [of_peak(setting, entrant, runs) for entrant in (ours, theirs)]
        result = paired(*values)
        holds &= 100.0 * result.ahead.mean >= points and result.won >= WON.get(name, 0.0) * result.runs
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


def of_peak(setting: Setting, entrant: Entrant, runs: tuple[tuple[str, float], ...]) -> NDArray[np.float64]:
    """Return reward over peak of an entrant in each run, (loads, seeds)."""

    def one(run: tuple[str, float, int]) -> float:
        case = setting.episode(*run, SECONDS)
        best = case.pool.quality.max(axis=1)[case.workload.task]
        return float(entrant.play(Case(*case)).reward.sum() / best.sum())

    with ThreadPoolExecutor(2) as threads:
        played = list(threads.map(one, [(*run, seed) for run in runs for seed in range(SEEDS)]))
    return np.array(played).reshape(len(runs), SEEDS)


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
    narrow = Setting("SC/co", NARROW, ("poisson",))
    plan = build_plan(Kind.DQN, network=everywhere(train(narrow.course(), Hyper(), seed=0).network))
    players: dict[str, Entrant] = {
        "trained on Poisson 0.2 to 2.5x": Planned(plan),
        "trained on 0.2 to 26x": paper_entrant("SC", "co"),
        Kind.LEARNED.value: entrants("SC", "co")[Kind.LEARNED.value],
    }
    return {
        name: {
            f"{load:g}x": round(float(of_peak(narrow, player, (("poisson", load),)).mean()), 4)
            for load in (*INSIDE, *BEYOND)
        }
        for name, player in players.items()
    }


if __name__ == "__main__":
    main()
