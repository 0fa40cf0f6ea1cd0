"""The paper's DQN on the study's pools: what it is trained and picked on, and the files that it is kept in.

`python -m besteffort_study.paper` trains all of them again (`SC/co` after it: that one). It is trained as wide as it is
tested: every family, 0.2 to 26 load units, requests of tuning seeds. Checkpoints, and the best of several trainings,
are picked on validation seeds.
"""

from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.bundle import Bundle, bundle_to_bytes, parse_bundle
from besteffort_core.dqn import Network
from besteffort_core.policies import DEFAULT_LADDER, DEFAULT_PRICE
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.report import share_of_peak
from besteffort_sim.simulator import simulate
from besteffort_study.catalogue import TUNING_SEEDS, UNPREDICTABLE, VALIDATION_SEEDS, draw_workload
from besteffort_study.errors import StudyError
from besteffort_study.load_unit import load_unit_rps
from besteffort_study.planned import Planned
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import scenario
from besteffort_train.dqn import Course, everywhere, train
from besteffort_train.episodes import Episode
from besteffort_train.hyper import Hyper

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_sim.model import Plan

__all__ = ["LOADS", "SETTINGS", "Setting", "paper_bundle", "paper_entrant", "trained_bundle"]

SETTINGS = ("SC/co", "SC/ded", "GE/ded", "MX/ded")
LOADS = (0.2, 26.0)
"""Range of the Poisson load, in load units, that training sees; the bursts of the other families go beyond it."""
BURSTY_LOAD = 6.0
"""Greatest mean load of those."""
FAMILIES = ("poisson", "poisson", "poisson", "maf", "mmpp", "azure")
"""Episodes are drawn from these alike."""
REQUESTS, DEADLINES, TRACE_S = 4096, 6.0, 10.0
"""An episode has so many requests, but lasts at least so many deadlines; a part of the trace lasts longer."""
JUDGED = (*UNPREDICTABLE, *(("poisson", load) for load in (0.5, 1.0, 2.0, 5.0, 10.0)))
"""What checkpoints are judged by: the mean of reward over peak on each."""
JUDGED_S = 20.0
TRAININGS = 4
FOLDER = "policies"


class Setting:
    """One scenario on one layout, and what is trained there."""

    def __init__(self, name: str, loads: tuple[float, float] = LOADS, families: tuple[str, ...] = FAMILIES) -> None:
        base, _, layout = name.partition("/")
        self.name, self.loads, self.families = name, loads, families
        self.asked, profile = scenario(base), gpu_profile(PROFILES[0])
        self.pool = build_study_pool(profile, layout, self.asked)
        self.world = true_world(self.pool)
        shared = build_study_pool(profile, "co", self.asked)
        self.unit_rps = load_unit_rps(shared, true_world(shared), self.asked)
        self.sizes = tuple(size.size for size in profile.sizes)

    @property
    def deadline_s(self) -> float:
        """The longest deadline."""
        return self.asked.generation_deadline_s if self.asked.lengths.generating else self.asked.deadline_s

    def episode(self, family: str, load: float, seed: int, duration_s: float) -> Episode:
        """Return the requests of a family at a load."""
        drawn = draw_workload(self.asked, family, load * self.unit_rps, seed, duration_s=duration_s)
        return Episode(self.pool, self.world, drawn)

    def draw(self, rng: np.random.Generator) -> Episode:
        """Return a random episode to train on."""
        while True:
            family = self.families[rng.integers(len(self.families))]
            top = self.loads[1] if family == "poisson" else min(self.loads[1], BURSTY_LOAD)
            load = math.exp(rng.uniform(math.log(self.loads[0]), math.log(top)))
            least_s = TRACE_S if family == "azure" else DEADLINES * self.deadline_s
            duration_s = max(REQUESTS / (load * self.unit_rps), least_s)
            try:
                return self.episode(family, load, TUNING_SEEDS[int(rng.integers(len(TUNING_SEEDS)))], duration_s)
            except StudyError:  # a gap in the trace
                continue

    def course(self) -> Course:
        """Return what is trained and judged on."""
        within = [one for one in JUDGED if one[0] in self.families and one[1] <= self.loads[1]]
        judged = [self.episode(*one, VALIDATION_SEEDS[0], JUDGED_S) for one in within]

        def judge(plan: Plan) -> float:
            return float(np.mean([share_of_peak(one.pool, one.workload, simulate(*one, plan)) for one in judged]))

        return Course(len(self.asked.tasks), len(self.sizes), self.draw, judge)


def paper_bundle(base: str, layout: str) -> Bundle:
    """Return the DQN that is kept for a scenario on a layout.

    Raises:
        StudyError: none is kept.
    """
    file = files("besteffort_study").joinpath(FOLDER, _file(f"{base}/{layout}"))
    if not file.is_file():
        raise StudyError(f"no DQN is kept for {base} on {layout}, only for {', '.join(SETTINGS)}")
    return parse_bundle(file.read_bytes())


def paper_entrant(base: str, layout: str) -> Planned:
    """Return it as an entrant; the paper has no guard against states that training did not see, so none rules here.

    Raises:
        StudyError: none is kept.
    """
    network = paper_bundle(base, layout).network
    assert isinstance(network, Network), "the file is written here"
    return Planned(build_plan(Kind.DQN, network=everywhere(network)))


def _file(name: str) -> str:
    return f"dqn-{name.replace('/', '-')}.safetensors"


def trained_bundle(setting: Setting, hyper: Hyper, trainings: int, tell: Callable[[str], object]) -> Bundle:
    """Return the best of several trainings, as a bundle that says how they went; `tell` hears of each."""
    course, found = setting.course(), []
    for seed in range(trainings):
        found.append(train(course, hyper, seed=seed))
        tell(f"{setting.name} seed {seed}: {found[-1].reward:.4f} at step {found[-1].step}\n")
    best = max(found, key=lambda one: one.reward)
    trained = {"hyper": asdict(hyper), "loads": list(setting.loads), "seed": found.index(best), "checkpoint": best.step}
    results = {
        "of_peak": [round(one.reward, 4) for one in found],
        "curve": [[step, round(reward, 4)] for step, reward in best.curve],
    }
    sizes, ladder = setting.sizes, DEFAULT_LADDER[: len(setting.sizes) - 1]
    return Bundle(best.network, DEFAULT_PRICE, ladder, setting.asked.tasks, sizes, trained, results)


def main() -> None:
    """Train the DQNs whose names are given, or all, two at a time."""

    def make(name: str) -> None:
        bundle = trained_bundle(Setting(name), Hyper(), TRAININGS, sys.stderr.write)
        (Path(__file__).parent / FOLDER / _file(name)).write_bytes(bundle_to_bytes(bundle))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(make, sys.argv[1:] or SETTINGS))


if __name__ == "__main__":
    main()
