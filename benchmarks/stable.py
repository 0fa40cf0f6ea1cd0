"""How good is Learned where nothing bursts? Poisson scoring on 4 co-located GPUs, from a quarter load unit to ten.

The reward as a share of the clairvoyant bound up to 5x, the mean over loads and seeds, and as a share of peak at 1, 2,
5 and 10x. The last line is one JSON object. Goal: 99 % of the bound; .995, .93, .84 and .69 of peak.
"""

from __future__ import annotations

import json

from studied import CORES, LAYOUT, OURS, SCENARIO, SEEDS, told

from besteffort_core.policy import Kind
from besteffort_study.catalogue import STABLE_LOADS
from besteffort_study.cell import BOUND
from besteffort_study.contest import hold_contest
from besteffort_study.grid import Load, Setting

HIGHEST = 5.0
"""Of the loads that are compared with the bound."""
GOAL = {"of_bound": 0.99, "of_peak": {"1x": 0.995, "2x": 0.93, "5x": 0.84, "10x": 0.69}}
BESIDE = (Kind.PRICE.value, Kind.GREEDY.value)


def main() -> None:
    loads = tuple(load for load in STABLE_LOADS if load <= HIGHEST)
    policies, setting = (OURS, *BESIDE), Setting(SCENARIO, LAYOUT, tuple(Load("poisson", load) for load in loads))
    contest = hold_contest(setting, policies, SEEDS, CORES, bounded=True, report=told)
    heavy = hold_contest(Setting(SCENARIO, LAYOUT, (Load("poisson", 10.0),)), policies, SEEDS, CORES, report=told)
    bound = contest.shares(BOUND)
    of_bound = {name: round(float((contest.shares(name) / bound).mean()), 4) for name in policies}
    by_load = dict(zip([f"{load:g}x" for load in loads], contest.shares(OURS).mean(axis=1).tolist(), strict=True))
    by_load["10x"] = float(heavy.shares(OURS).mean())
    of_peak = {load: round(by_load[load], 4) for load in GOAL["of_peak"]}
    print(
        json.dumps(
            {
                "bar": "stable",
                "value": {"of_bound": of_bound[OURS], "of_peak": of_peak},
                "goal": GOAL,
                "holds": of_bound[OURS] >= GOAL["of_bound"]
                and all(of_peak[load] >= goal for load, goal in GOAL["of_peak"].items()),
                "of_bound": of_bound,
                "by_load": {load: round(share, 4) for load, share in by_load.items()},
                "bound_by_load": {
                    f"{load:g}x": round(float(row.mean()), 4) for load, row in zip(loads, bound, strict=True)
                },
                "in_time": [round(float(share), 4) for share in contest.in_time(OURS).mean(axis=1)],
                "seeds": SEEDS,
            }
        )
    )


if __name__ == "__main__":
    main()
