"""Train the policies of the study that have a network, each for one scenario on one layout, and keep them.

`python -m besteffort_study.training POLICY SCENARIO/LAYOUT ...` does it anew, with the same result each time. Learned
is searched for from the better of the built-in scorer and one to which work is free, with the search of `besteffort
train`; the narrow one sees Poisson traffic of 0.5 to 2 load units alone, and sets out from Price's default numbers. The
paper's DQN is trained as wide as it is tested, several times.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.bundle import Bundle
from besteffort_core.dqn import Network
from besteffort_core.general import GENERAL
from besteffort_core.policies import DEFAULT_LADDER, DEFAULT_PRICE
from besteffort_core.scorer import build_scorer
from besteffort_sim.report import share_of_peak
from besteffort_sim.simulator import simulate
from besteffort_study.ground import JUDGED, JUDGED_S, SETTINGS, Ground
from besteffort_study.ground import NARROW as NARROW_RUNS
from besteffort_study.trained import DQN, LEARNED, NARROW, save_bundle
from besteffort_train.dqn import Course, everywhere, train
from besteffort_train.hyper import Hyper
from besteffort_train.search import FREE, ScorerSearch, search_scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from besteffort_core.scorer import Scorer
    from besteffort_sim.model import Plan
    from besteffort_train.strategy import Climbed

    Tell = Callable[[str], object]

__all__ = ["course", "train_dqn", "train_learned"]

TRAININGS = (Hyper(), Hyper(), *2 * [Hyper(discount=0.99)], *2 * [Hyper(span=1, discount=0.99)])
"""Of a DQN, each with a seed of its own; the best is kept."""
DQN_JUDGED_S = 10.0
"""What its checkpoints are judged by, of each load: there are ten times as many of them as of Learned."""
SEARCH = ScorerSearch(rounds=80, candidates=14, episodes=len(JUDGED), renewed=2, check_rounds=5, hidden=0)
GENERATING = replace(SEARCH, check_rounds=10, first_late_cost=1.0)
"""The same where outputs are generated: checkpoints that are worth as much without that cost answer 99 % in time up to
5 load units or up to 10."""
CHECKS = {False: (2, JUDGED_S), True: (8, 60.0)}
"""Seeds and seconds of each load that checkpoints of Learned are judged by, by whether outputs are generated: then runs
differ more, and the first second of a router that begins cold, late in much, would count too much in short ones."""


def train_learned(
    ground: Ground, search: ScorerSearch, starts: Sequence[Scorer], runs: Sequence[tuple[str, float]], tell: Tell
) -> Bundle:
    """Return the best scorer of one search; `tell` hears of the checkpoints."""
    worths: list[float] = []

    def heard(latest: Climbed) -> None:
        if latest.round % search.check_rounds == 0:
            worths.append(round(latest.value, 4))
            tell(f"{ground.name} round {latest.round}: {latest.value:.4f}\n")

    checks = ground.judged(runs, *CHECKS[ground.generates])
    best = search_scorer(starts, ground.in_turn(runs), checks, search, seed=0, report=heard)
    trained = {"search": asdict(search), "runs": [list(run) for run in runs], "checkpoint": best.round}
    return _bundle(ground, best.scorer, trained, {"worth": round(best.worth, 4), "curve": worths})


def train_dqn(ground: Ground, hypers: Sequence[Hyper], tell: Tell) -> Bundle:
    """Return the best of several trainings; `tell` hears of each."""
    found, taught = [], course(ground)
    for seed, hyper in enumerate(hypers):
        found.append(train(taught, hyper, seed=seed))
        tell(f"{ground.name} seed {seed}: {found[-1].reward:.4f} at step {found[-1].step}\n")
    number, best = max(enumerate(found), key=lambda pair: pair[1].reward)
    trained = {"hyper": asdict(hypers[number]), "loads": list(ground.loads), "seed": number, "checkpoint": best.step}
    results = {
        "of_peak": [round(one.reward, 4) for one in found],
        "curve": [[step, round(reward, 4)] for step, reward in best.curve],
    }
    return _bundle(ground, best.network, trained, results)


def course(ground: Ground) -> Course:
    """Return what a DQN is trained and judged on; it is judged as it plays, without a guard of its range."""
    within = [run for run in JUDGED if run[0] in ground.families and run[1] <= ground.loads[1]]
    judged = ground.judged(within, duration_s=DQN_JUDGED_S)

    def judge(plan: Plan) -> float:
        assert isinstance(plan.network, Network)
        alone = plan._replace(network=everywhere(plan.network))
        return float(np.mean([share_of_peak(one.pool, one.workload, simulate(*one, alone)) for one in judged]))

    return Course(len(ground.asked.tasks), len(ground.sizes), ground.draw, judge)


def _bundle(
    ground: Ground, network: Scorer | Network, trained: Mapping[str, Any], results: Mapping[str, Any]
) -> Bundle:
    ladder = DEFAULT_LADDER[: len(ground.sizes) - 1]
    return Bundle(network, DEFAULT_PRICE, ladder, ground.asked.tasks, ground.sizes, trained, results)


def main() -> None:
    """Train a policy for some settings, two at a time."""
    parser = argparse.ArgumentParser(prog="python -m besteffort_study.training", description=__doc__)
    makers: Mapping[str, Callable[[Ground], Bundle]] = {
        LEARNED: lambda ground: train_learned(
            ground,
            GENERATING if ground.generates else SEARCH,
            [GENERAL, build_scorer(FREE)],
            JUDGED,
            sys.stderr.write,
        ),
        NARROW: lambda ground: train_learned(
            ground, SEARCH, [build_scorer(DEFAULT_PRICE)], NARROW_RUNS, sys.stderr.write
        ),
        DQN: lambda ground: train_dqn(ground, TRAININGS, sys.stderr.write),
    }
    parser.add_argument("policy", choices=makers)
    parser.add_argument("setting", nargs="+", choices=SETTINGS)
    asked = parser.parse_args()

    def make(name: str) -> None:
        scenario, _, layout = name.partition("/")
        save_bundle(asked.policy, scenario, layout, makers[asked.policy](Ground(name)))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(make, asked.setting))


if __name__ == "__main__":
    main()
