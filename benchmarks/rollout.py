"""`make bar-rollout`: policy, one size, image and routers rolled on a real node under 50 requests a second.

The last line is one JSON object. Goal: no request fails, none is refused.
"""

from __future__ import annotations

import json

from e2e import play

GOAL = {"rate_rps": 50, "failed": 0, "refused": 0}
ROLLED = ("policy", "size", "image", "router")


def main() -> None:
    found = play("rollouts")
    figures = {name: found["figures"][name] for name in ROLLED if name in found["figures"]} if found else {}
    value = {
        "rate_rps": {name: round(each["offered"] / each["load_s"], 1) for name, each in figures.items()},
        "offered": sum(each["offered"] for each in figures.values()),
        "failed": sum(each["failed"] for each in figures.values()),
        "refused": sum(each["refused"] for each in figures.values()),
        "seconds": {name: each["seconds"] for name, each in figures.items()},
        "p99_ms": {name: round(each["p99_ms"]) for name, each in figures.items()},
    }
    complete = set(figures) == set(ROLLED)
    report = {
        "bar": "rollout",
        "value": value,
        "goal": GOAL,
        "holds": complete and value["failed"] == 0 and value["refused"] == 0,
        "sizes": {name: each["sizes"] for name, each in figures.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
