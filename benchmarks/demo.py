"""`make bar-demo`: a newcomer's run. Clone the committed state into an empty folder, `make demo`, judge its figures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GOAL = {
    "total_s": "< 600, well within",
    "setup_s": "<= 180",
    "reward over the best static size": ">= 1.10, for Learned and for Price",
    "reward over static large": ">= 1.5, for Learned and for Price",
    "availability": ">= 0.97, for Learned and for Price",
    "counters": "add up",
}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="besteffort-bar-") as folder:
        clone = Path(folder) / "besteffort"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began_s = time.monotonic()
        subprocess.run(["make", "demo"], cwd=clone, check=True)
        total_s = time.monotonic() - began_s
        found = json.loads((clone / ".besteffort/demo/results.json").read_text())
    print(json.dumps(judged(found, total_s)))
    return 0


def judged(found: dict[str, Any], total_s: float) -> dict[str, Any]:
    """Return the bar's line; what the command itself did not take was spent on installing."""
    policies = {result["policy"]: result for result in found["results"]}
    setup_s = total_s - found["total_s"] + found["setup_s"]
    static = {name: reward(result) for name, result in policies.items() if name.startswith("static ")}
    best = max(static, key=lambda name: static[name])
    value = {
        "total_s": round(total_s, 1),
        "setup_s": round(setup_s, 1),
        "best_static": best,
        "counters_add_up": all(adds_up(turn) for result in policies.values() for turn in result["rounds"]),
    }
    for name in ("Learned", "Price"):
        mine = policies[name]
        value[name] = {
            "over_best_static": round(reward(mine) / static[best], 3),
            "over_static_large": round(reward(mine) / static["static large"], 3),
            "availability": round(mine["means"]["availability"]["mean"], 4),
        }
    explained = {
        "capacities_rps": found["capacities_rps"],
        "window": found["window"],
        "reward": {name: result["means"]["reward"] for name, result in policies.items()},
        "quality": {name: result["means"]["mean_quality"]["mean"] for name, result in policies.items()},
        "availability": {name: result["means"]["availability"]["mean"] for name, result in policies.items()},
    }
    return {"bar": "demo", "value": value, "goal": GOAL, "holds": holds(value), **explained}


def holds(value: dict[str, Any]) -> bool:
    policies = [value["Learned"], value["Price"]]
    return (
        value["total_s"] < 600
        and value["setup_s"] <= 180
        and value["counters_add_up"]
        and all(policy["over_best_static"] >= 1.10 for policy in policies)
        and all(policy["over_static_large"] >= 1.5 for policy in policies)
        and all(policy["availability"] >= 0.97 for policy in policies)
    )


def reward(result: dict[str, Any]) -> float:
    return float(result["means"]["reward"]["mean"])


def adds_up(turn: dict[str, Any]) -> bool:
    outcomes = ("in_time", "refused", "late", "failed", "cancelled")
    return bool(turn["offered"] == sum(turn[outcome] for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
