"""What everybody is tuned or trained on: a scenario on a layout, asked as widely as it is tested.

Requests are those of tuning seeds; what is found there is picked on validation seeds.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from besteffort_study.catalogue import TUNING_SEEDS, UNPREDICTABLE, VALIDATION_SEEDS, draw_workload
from besteffort_study.errors import StudyError
from besteffort_study.load_unit import study_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.scenarios import SCENARIOS, scenario
from besteffort_train.episodes import Episode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

__all__ = ["JUDGED", "JUDGED_S", "LOADS", "NARROW", "SETTINGS", "Ground"]

SETTINGS = tuple(f"{scenario}/{layout}" for scenario in SCENARIOS for layout in ("co", "ded"))

LOADS = (0.2, 26.0)
"""Range of the Poisson load, in load units, that training sees; the bursts of the other families go beyond it."""
BURSTY_LOAD = 6.0
"""Greatest mean load of those."""
FAMILIES = ("poisson", "poisson", "poisson", "maf", "mmpp", "azure")
"""Random episodes are drawn from these alike."""
REQUESTS, DEADLINES, TRACE_S = 4096, 6.0, 10.0
"""A random episode has so many requests, but lasts at least so many deadlines; a part of the trace lasts longer."""
JUDGED = (*UNPREDICTABLE, *(("poisson", load) for load in (0.5, 1.0, 1.25, 1.5, 2.0, 5.0, 10.0, 19.0)))
"""What is found is judged by the mean over these."""
NARROW = tuple(("poisson", load) for load in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0))
"""What little one may be tuned on who is tested on everything."""
TUNED_S, JUDGED_S = 10.0, 20.0


class Ground:
    """One scenario on one layout, by the name SCENARIO/LAYOUT."""

    def __init__(self, name: str, loads: tuple[float, float] = LOADS, families: tuple[str, ...] = FAMILIES) -> None:
        base, _, layout = name.partition("/")
        self.name, self.loads, self.families = name, loads, families
        self.asked, profile = scenario(base), gpu_profile(PROFILES[0])
        self.pool = build_study_pool(profile, layout, self.asked)
        self.world = true_world(self.pool)
        self.unit_rps = study_unit_rps(PROFILES[0], base)
        self.sizes = tuple(size.size for size in profile.sizes)

    @property
    def generates(self) -> bool:
        """Whether some outputs are generated."""
        return self.asked.lengths.generating > 0.0

    @property
    def deadline_s(self) -> float:
        """The longest deadline."""
        return self.asked.generation_deadline_s if self.generates else self.asked.deadline_s

    def episode(self, family: str, load: float, seed: int, duration_s: float = JUDGED_S) -> Episode:
        """Return the requests of a family at a load.

        Raises:
            StudyError: the part of the trace that the seed takes has no request.
        """
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
                return self.episode(family, load, _tuning_seed(rng), duration_s)
            except StudyError:  # a gap in the trace
                continue

    def in_turn(self, runs: Sequence[tuple[str, float]] = JUDGED) -> Callable[[np.random.Generator], Episode]:
        """Return what draws episodes to tune on that are of each run in turn."""
        coming = itertools.cycle(runs)

        def draw(rng: np.random.Generator) -> Episode:
            run = next(coming)
            while True:
                try:
                    return self.episode(*run, _tuning_seed(rng), TUNED_S)
                except StudyError:  # a gap in the trace
                    continue

        return draw

    def judged(
        self, runs: Sequence[tuple[str, float]] = JUDGED, repeats: int = 1, duration_s: float = JUDGED_S
    ) -> list[Episode]:
        """Return the episodes that what was found is picked by."""
        return [self.episode(*run, seed, duration_s) for seed in VALIDATION_SEEDS[:repeats] for run in runs]


def _tuning_seed(rng: np.random.Generator) -> int:
    return TUNING_SEEDS[int(rng.integers(len(TUNING_SEEDS)))]
