"""`make bar-e2e`: the end-to-end test from cold, with its steps in minutes. The last line is one JSON object.

Goal: all steps pass, and 15 minutes are enough once the Go programs are built. Cold: packages of the base image, the
images and the cluster are made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["play"]

ROOT = Path(__file__).parents[1]
PROGRAMS = "packages and programs"
GOAL = {"minutes": "<= 15, without the Go build", "steps": "all pass"}
GOAL_MINUTES = 15


def play(plan: str) -> dict[str, Any] | None:
    """Run a plan of `make e2e` and return its results, None if it could not begin."""
    with tempfile.TemporaryDirectory(prefix="besteffort-bar-") as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, "-m", "e2e", "--plan", plan, "--results", str(results)]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        found: dict[str, Any] | None = json.loads(results.read_text()) if results.exists() else None
        return found


def main() -> None:
    shutil.rmtree(ROOT / ".besteffort" / "e2e", ignore_errors=True)
    found = play("all")
    seconds = found["steps_s"] if found else {}
    minutes = round(sum(spent for title, spent in seconds.items() if title != PROGRAMS) / 60, 1)
    report = {
        "bar": "e2e",
        "value": {"minutes": minutes, "steps": len(seconds)},
        "goal": GOAL,
        "holds": found is not None and found["passed"] and minutes <= GOAL_MINUTES,
        "steps_minutes": {title: round(spent / 60, 1) for title, spent in seconds.items()},
        "figures": found["figures"] if found else {},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
