"""How near is Learned to the best that any policy could do? Unpredictable scoring on 4 co-located GPUs.

The reward as a share of the clairvoyant bound, which is found for each of the same requests; the mean over seeds, with
its 95 % interval. The last line is one JSON object. Goal: 97.0 % (stretch 97.6 %), and nobody above the bound.
"""

from __future__ import annotations

import json

from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS, UNPREDICTED, told

from besteffort_core.policy import Kind
from besteffort_study.cell import BOUND
from besteffort_study.contest import hold_contest
from besteffort_study.grid import Setting
from besteffort_train.evaluation import interval

GOAL, STRETCH = 0.970, 0.976
BESIDE = (Kind.PRICE.value, Kind.GREEDY.value)


def main() -> None:
    policies = (OURS, *BESIDE)
    setting = Setting(SCENARIO, LAYOUT, UNPREDICTED)
    contest = hold_contest(setting, policies, SEEDS, CORES, bounded=True, report=told)
    bound = contest.shares(BOUND)
    shares = {name: interval(contest.shares(name).mean(axis=0) / bound.mean(axis=0)) for name in policies}
    above = sum(int((contest.shares(name) > bound + 1e-9).sum()) for name in policies)
    value = round(shares[OURS].mean, 4)
    print(
        json.dumps(
            {
                "bar": "bursty",
                "value": value,
                "goal": GOAL,
                "stretch": STRETCH,
                "holds": value >= GOAL and above == 0,
                "half_interval": round(shares[OURS].half, 4),
                "of_bound": {name: round(found.mean, 4) for name, found in shares.items()},
                "of_peak": {name: round(float(contest.shares(name).mean()), 4) for name in (*policies, BOUND)},
                "in_time": {name: round(float(contest.in_time(name).mean()), 4) for name in policies},
                "by_load": {
                    load.name: round(float(ours / most), 4)
                    for load, ours, most in zip(
                        UNPREDICTED, contest.shares(OURS).mean(axis=1), bound.mean(axis=1), strict=True
                    )
                },
                "above_the_bound": above,
                "seeds": SEEDS,
            }
        )
    )


if __name__ == "__main__":
    main()
