"""Tune every entrant that has numbers, all with the same care, and write them down.

`python -m besteffort_study.tuning SCENARIO/LAYOUT` does it anew, with the same result each time: each rule gets the
same rounds of the same search on the same requests, and is picked on others; no test ever plays either. It has 2 to 4
numbers, and a tenth of the simulations that Learned has for its 43.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.contestants import Ruled
from besteffort_study.entrant import Case
from besteffort_study.ground import JUDGED, SETTINGS, Ground
from besteffort_study.rules.knowing import states_of
from besteffort_study.rules.plan import TABULAR, build_rule_plan
from besteffort_study.rules.switch import play_rule
from besteffort_study.rules.values import Steps, groups_of, solve, steps_of
from besteffort_study.tunable import RULES, TABLE_NAME, Start
from besteffort_study.tuned import Tuned, save_tuned
from besteffort_train.strategy import Search, Strategy, climb
from besteffort_train.threads import in_threads
from besteffort_train.tune import worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from besteffort_study.entrant import Entrant
    from besteffort_train.episodes import Episode

__all__ = ["tune", "tune_values"]

SEARCH = Search(rounds=12, candidates=8, renewed=2)
REPEATS = 6
"""Times that each load is played, in each of `PASSES`, that the values of states are counted from."""
PASSES = ((0.2, 1.0), (0.1, 0.3), (0.05, 0.1), (0.05, 0.0))
"""How much is tried at random in each: single sizes, thresholds for some hundred requests."""
HORIZONS = (1.0, 0.5, 2.0, 4.0)
"""In deadlines; the first until the last pass, then the one whose values earn most is kept."""


def tune(ground: Ground, report: Callable[[str, float], None]) -> Iterator[Tuned]:
    """Yield the tuned numbers of all rules, then those and the values of the states; `report` hears what each earns."""
    numbers = {}
    for name, start in RULES.items():
        numbers[name], earned = _tuned(start, ground)
        report(name, earned)
    about: dict[str, object] = {
        "loads": [f"{family} {load:g}x" for family, load in JUDGED],
        "simulations_each": (SEARCH.rounds * (SEARCH.candidates + 1) + 1) * len(JUDGED),
    }
    yield Tuned(numbers, None, about)
    values, earned, decisions = tune_values(ground)
    report(TABLE_NAME, earned)
    yield Tuned(numbers, values, {**about, "decisions_of_values": decisions})


def _tuned(start: Start, ground: Ground) -> tuple[NDArray[np.float64], float]:
    """Return the best of the means of the search, the start among them, and what it earns."""

    def worths(points: NDArray[np.float64], episodes: Sequence[Episode]) -> NDArray[np.float64]:
        return np.array([_earned(start.build(point), episodes) for point in points])

    draw, rng = ground.in_turn(), np.random.default_rng(1)
    strategy = Strategy(np.array(start.point), np.array(start.spread), SEARCH.candidates, np.random.default_rng(0))
    best = climb(strategy, SEARCH, worths, lambda: [draw(rng) for _ in JUDGED], ground.judged())
    return best.point, best.value


def _earned(entrant: Entrant, episodes: Sequence[Episode]) -> float:
    """Return the mean worth, which is what all searches seek to raise."""
    return float(np.mean(in_threads(lambda one: worth(one, entrant.play(Case(*one))), episodes)))


def tune_values(ground: Ground, repeats: int = REPEATS) -> tuple[NDArray[np.float64], float, int]:
    """Return the values of states that earn most, what they earn, and how many decisions they were counted from.

    Each pass plays by the values found so far, tries something else now and then, and adds to what was counted.
    """
    pool, parts, draw, rng = ground.pool, list[Steps](), ground.in_turn(), np.random.default_rng(1)
    states = states_of(int(groups_of(pool).max()) + 1, pool.quality.shape[0])
    cheapest = np.argsort(pool.batch_s[np.arange(pool.max_batch.size), pool.max_batch] / pool.max_batch)
    table, earned, judged = np.zeros((states, cheapest.size)), 0.0, ground.judged()
    for number, chances in enumerate(PASSES):
        for _ in range(repeats * len(JUDGED)):
            parts.append(_explored(draw(rng), table, np.array(chances)))
        horizons = HORIZONS if number == len(PASSES) - 1 else HORIZONS[:1]
        tables = [solve(parts, states, cheapest, horizon * ground.deadline_s) for horizon in horizons]
        worths = [_earned(Ruled(TABULAR, np.zeros(2), one), judged) for one in tables]
        earned, table = max(worths), tables[int(np.argmax(worths))]
    return table, earned, sum(part.state.size for part in parts)


def _explored(episode: Episode, table: NDArray[np.float64], chances: NDArray[np.float64]) -> Steps:
    groups, recorded = groups_of(episode.pool), episode.workload.arrival_s.size
    plan = build_rule_plan(TABULAR, chances, table, groups=groups, recorded=recorded)
    return steps_of(episode.workload, play_rule(*episode, plan), plan)


def _tell(name: str, earned: float) -> None:
    sys.stderr.write(f"{name}: {earned:.4f} of peak, less 0.1 for each late\n")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m besteffort_study.tuning", description=__doc__)
    _parser.add_argument("setting", choices=SETTINGS)
    _setting = _parser.parse_args().setting
    for _tuned_so_far in tune(Ground(_setting), _tell):
        _scenario, _, _layout = _setting.partition("/")
        save_tuned(_scenario, _layout, _tuned_so_far)
