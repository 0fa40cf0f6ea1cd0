"""How much more does Learned earn than tuned greedy? Unpredictable scoring on 4 co-located GPUs.

Both meet the same requests, on test seeds. Gains are in points of peak, with the 95 % interval of their mean over
seeds; beside Greedy all other tuned baselines. The last line is one JSON object. Goal: 1.5 points over Greedy.
"""

from __future__ import annotations

import json

from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS, UNPREDICTED, told

from besteffort_core.policy import Kind
from besteffort_study.contest import hold_contest
from besteffort_study.entrants import entrants
from besteffort_study.grid import Setting
from besteffort_study.statistics import paired
from besteffort_study.tunable import RULES, TABLE_NAME

GOAL_POINTS = 1.5
ASKED = Kind.GREEDY.value


def main() -> None:
    others = [name for name in entrants(SCENARIO, LAYOUT) if name in (*RULES, TABLE_NAME)]
    contest = hold_contest(Setting(SCENARIO, LAYOUT, UNPREDICTED), [OURS, *others], SEEDS, CORES, report=told)
    compared = {name: paired(contest.shares(OURS), contest.shares(name)) for name in others}
    value = round(100.0 * compared[ASKED].ahead.mean, 2)
    print(
        json.dumps(
            {
                "bar": "greedy",
                "value": value,
                "goal": GOAL_POINTS,
                "holds": value >= GOAL_POINTS,
                "half_interval": round(100.0 * compared[ASKED].ahead.half, 2),
                "runs_won": f"{compared[ASKED].won} of {compared[ASKED].runs}",
                "points_over": {name: round(100.0 * one.ahead.mean, 2) for name, one in compared.items()},
                "of_peak": {name: round(float(contest.shares(name).mean()), 4) for name in (OURS, *others)},
                "in_time": {name: round(float(contest.in_time(name).mean()), 4) for name in (OURS, *others)},
                "seeds": SEEDS,
            }
        )
    )


if __name__ == "__main__":
    main()
