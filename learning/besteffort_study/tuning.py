"""Tune every entrant that has numbers, all with the same care, and write them down.

`python -m besteffort_study.tuning SCENARIO LAYOUT` does it anew, with the same result each time: each rule gets the
same rounds of the same search on the same requests, which no test and no validation ever plays.
"""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_sim.report import share_of_peak
from besteffort_study.catalogue import TUNING_SEEDS, draw_workload
from besteffort_study.contestants import Ruled, prices_of
from besteffort_study.entrant import Case
from besteffort_study.errors import StudyError
from besteffort_study.load_unit import load_unit_rps
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import PROFILES, gpu_profile
from besteffort_study.rules.knowing import states_of
from besteffort_study.rules.plan import ORACLE, TABULAR, build_rule_plan
from besteffort_study.rules.switch import play_rule
from besteffort_study.rules.values import Steps, groups_of, solve, steps_of
from besteffort_study.scenarios import scenario
from besteffort_study.tunable import ORACLE_NAME, ORACLE_START, RULES, TABLE_NAME, Start
from besteffort_study.tuned import Tuned, save_tuned
from besteffort_train.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from besteffort_sim.model import Log
    from besteffort_study.entrant import Entrant

__all__ = ["LOADS", "tune", "tune_values"]

DURATION_S = 10.0
LOADS = (
    *(("poisson", load) for load in (0.5, 1.5, 3.0, 6.0)),
    *(("maf", load) for load in (0.5, 1.0, 2.0, 4.0)),
    *(("mmpp", load) for load in (1.0, 2.0)),
    *(("azure", load) for load in (0.5, 1.0, 2.0)),
)
ROUNDS, CANDIDATES = 10, 8
REPEATS = 10
"""Seeds of each load, in each of `PASSES`, that the values of states are counted from."""
PASSES = ((0.2, 1.0), (0.1, 0.3), (0.05, 0.1), (0.05, 0.0))
"""How much is tried at random in each: single sizes, thresholds for some hundred requests."""
HORIZONS = (1.0, 0.5, 2.0, 4.0)
"""In deadlines; the first until the last pass, then the one whose values earn most is kept."""


def tune(scenario_name: str, layout: str, report: Callable[[str, float], None]) -> Iterator[Tuned]:
    """Yield the tuned numbers of all rules of a scenario on a layout, then those and the values of the states.

    `report` hears each one's share of peak.
    """
    cases, numbers = _cases(scenario_name, layout, 0), {}
    for name, start in {**RULES, ORACLE_NAME: _oracle(cases)}.items():
        numbers[name], share = _tuned(start, cases)
        report(name, share)
    about: dict[str, object] = {
        "loads": [f"{family} {load:g}x" for family, load in LOADS],
        "seconds_each": DURATION_S,
        "simulations_each": ROUNDS * (CANDIDATES + 1) * len(cases),
    }
    yield Tuned(numbers, None, about)
    values, share, decisions = tune_values(scenario_name, layout, cases)
    report(TABLE_NAME, share)
    yield Tuned(numbers, values, {**about, "decisions_of_values": decisions})


@functools.cache
def _unit_rps(scenario_name: str) -> float:
    pool = build_study_pool(gpu_profile(PROFILES[0]), "co", scenario(scenario_name))
    return load_unit_rps(pool, true_world(pool), scenario(scenario_name))


def _cases(scenario_name: str, layout: str, repeat: int) -> list[Case]:
    asked, rate_rps = scenario(scenario_name), _unit_rps(scenario_name)
    pool = build_study_pool(gpu_profile(PROFILES[0]), layout, asked)
    world, seed, cases = true_world(pool), TUNING_SEEDS[repeat], []
    for family, load in LOADS:
        with suppress(StudyError):  # a gap in the trace
            drawn = draw_workload(asked, family, load * rate_rps, seed, duration_s=DURATION_S)
            cases.append(Case(pool, world, drawn))
    return cases


def _tuned(start: Start, cases: Sequence[Case]) -> tuple[NDArray[np.float64], float]:
    """Return the best of the means of the search, the start among them, and its mean share of peak."""
    strategy = Strategy(np.array(start.point), np.array(start.spread), CANDIDATES, np.random.default_rng(0))
    tried = [(_share(start.build(strategy.mean), cases), strategy.mean)]
    for _ in range(ROUNDS):
        strategy.learn(np.array([_share(start.build(point), cases) for point in strategy.draw()]))
        tried.append((_share(start.build(strategy.mean), cases), strategy.mean))
    share, numbers = max(tried, key=lambda pair: pair[0])
    return numbers, share


def _share(entrant: Entrant, cases: Sequence[Case]) -> float:
    return float(np.mean([share_of_peak(case.pool, case.workload, entrant.play(case)) for case in cases]))


class _Told(NamedTuple):
    """The clairvoyant rule, with the prices of the cases that it is tuned on, which do not depend on its numbers."""

    prices: dict[int, NDArray[np.float64]]
    numbers: NDArray[np.float64]
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        return ""

    def play(self, case: Case) -> Log:
        return play_rule(*case, build_rule_plan(ORACLE, self.numbers, self.prices[id(case)]))


def _oracle(cases: Sequence[Case]) -> Start:
    prices = {id(case): prices_of(case) for case in cases}
    return ORACLE_START._replace(build=functools.partial(_Told, prices))


def tune_values(
    scenario_name: str, layout: str, cases: Sequence[Case], repeats: int = REPEATS
) -> tuple[NDArray[np.float64], float, int]:
    """Return the values of states that earn most, their share of peak, and how many decisions they were counted from.

    Each pass plays by the values found so far, tries something else now and then, and adds to what was counted.
    """
    pool, parts = cases[0].pool, list[Steps]()
    states = states_of(int(groups_of(pool).max()) + 1, pool.quality.shape[0])
    cheapest = np.argsort(pool.batch_s[np.arange(pool.max_batch.size), pool.max_batch] / pool.max_batch)
    table, share, deadline_s = np.zeros((states, cheapest.size)), 0.0, float(np.median(cases[0].workload.deadline_s))
    for number, chances in enumerate(PASSES):
        first = 1 + number * repeats
        parts += [
            steps
            for repeat in range(first, first + repeats)
            for steps in _explored(_cases(scenario_name, layout, repeat), table, np.array(chances))
        ]
        horizons = HORIZONS if number == len(PASSES) - 1 else HORIZONS[:1]
        tables = [solve(parts, states, cheapest, horizon * deadline_s) for horizon in horizons]
        shares = [_share(Ruled(TABULAR, np.zeros(2), one), cases) for one in tables]
        share, table = max(shares), tables[int(np.argmax(shares))]
    return table, share, sum(part.state.size for part in parts)


def _explored(cases: Sequence[Case], table: NDArray[np.float64], chances: NDArray[np.float64]) -> Iterator[Steps]:
    for case in cases:
        plan = build_rule_plan(
            TABULAR, chances, table, groups=groups_of(case.pool), recorded=case.workload.arrival_s.size
        )
        yield steps_of(case.workload, play_rule(*case, plan), plan)


def _tell(name: str, share: float) -> None:
    sys.stderr.write(f"{name}: {share:.4f} of peak\n")


if __name__ == "__main__":
    _scenario, _layout = sys.argv[1:]
    for _tuned_so_far in tune(_scenario, _layout, _tell):
        save_tuned(_scenario, _layout, _tuned_so_far)
