"""What is a GPU worth with us? 4 GPUs with Learned against 8 with the largest size alone, with expiry; scoring.

Twice the ratio of the rewards: the worth of one GPU here over that of one there. With expiry is the stronger of the
router's refusal and the servers' own. The last line is one JSON object. Goal: 3.6 on Poisson traffic at 5x, 6.0 at 10x,
3.5 on bursty traffic with a mean of 4x.
"""

from __future__ import annotations

import json

from studied import CORES, EXPIRY, LAYOUT, OURS, SCENARIO, SEEDS, SERVED, told

from besteffort_study.contest import hold_contest
from besteffort_study.grid import Load, Setting

LOADS = (Load("poisson", 5.0), Load("poisson", 10.0), Load("maf", 4.0))
GOALS = (3.6, 6.0, 3.5)
TWICE = ", twice the GPUs"


def main() -> None:
    policies = (OURS, SERVED + TWICE, EXPIRY + TWICE)
    contest = hold_contest(Setting(SCENARIO, LAYOUT, LOADS), policies, SEEDS, CORES, report=told)
    rewards = {name: contest.shares(name).mean(axis=1) for name in policies}
    theirs = [max(pair) for pair in zip(rewards[policies[1]], rewards[policies[2]], strict=True)]
    value = [round(2.0 * float(ours / other), 2) for ours, other in zip(rewards[OURS], theirs, strict=True)]
    print(
        json.dumps(
            {
                "bar": "per-gpu",
                "value": dict(zip([load.name for load in LOADS], value, strict=True)),
                "goal": dict(zip([load.name for load in LOADS], GOALS, strict=True)),
                "holds": all(one >= goal for one, goal in zip(value, GOALS, strict=True)),
                "of_peak": {name: [round(float(share), 4) for share in shares] for name, shares in rewards.items()},
                "seeds": SEEDS,
            }
        )
    )


if __name__ == "__main__":
    main()
