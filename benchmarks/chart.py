"""Does the chart hold what it promises? Runs its tests on a real API server and counts them by promise.

Nothing is taken from an earlier run. The last line is one JSON object. Goal: nothing fails, nothing is skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
TESTS = "tests/component/chart"
PROMISES = {
    "test_values": "lint, and wrong values refused",
    "test_release": "install, upgrade, rollback, uninstall on the API server",
    "test_operator": "the operator runs with the release's rights and arguments",
    "test_rights": "rights asked of the API server",
    "test_schemas": "kubeconform, and dry runs on the API server of every sample",
    "test_score": "kube-score",
    "test_rules": "promtool: rules, and a test for each alert",
    "test_dashboards": "dashboards",
    "test_manifests": "plain manifests current, names and arguments consistent",
    "test_check": "the command of helm test",
}
GOAL = {"failed": 0, "skipped": 0}


def main() -> None:
    began_s = time.monotonic()
    outcomes = run()
    count = Counter(outcome for _, outcome in outcomes)
    value = {"failed": count["failed"], "skipped": count["skipped"], "passed": count["passed"]}
    by_promise = {
        text: sum(outcome == "passed" for module, outcome in outcomes if module == name)
        for name, text in PROMISES.items()
    }
    report = {
        "bar": "chart",
        "value": value,
        "goal": GOAL,
        "holds": value.items() >= GOAL.items() and all(by_promise.values()),
        "passed_by_promise": by_promise,
        "samples": len(list((ROOT / "manifests" / "samples").glob("*.yaml"))),
        "seconds": round(time.monotonic() - began_s, 1),
    }
    print(json.dumps(report))


def run() -> list[tuple[str, str]]:
    """Run the tests; return module and outcome of each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", TESTS, f"--junitxml={path}"]
        subprocess.run(command, cwd=ROOT, check=False)
        cases = list(ET.parse(path).iter("testcase"))
    return [(str(case.get("classname")).rpartition(".")[2], outcome(case)) for case in cases]


def outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


if __name__ == "__main__":
    main()
