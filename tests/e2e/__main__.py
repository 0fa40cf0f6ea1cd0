"""`make e2e`: the operator, the chart and the images on a real Kubernetes node, or on a cluster that you name."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from e2e import prerequisites
from e2e.cgroups import Cgroups
from e2e.images import build_images
from e2e.installation_steps import clean_up
from e2e.kubectl import Kubectl
from e2e.scenario import PLANS, play
from e2e.timing import Steps
from e2e.world import ROOT, World

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
HOME = ROOT / ".besteffort" / "e2e"
INTERRUPTED = 130
ENDINGS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the steps and return the exit status; the last line says how long all took."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    asked = _parse()
    steps = Steps()
    try:
        results = _on_given_cluster(asked, steps) if asked.kubeconfig else _on_own_node(asked.plan, steps)
    except ClusterError as error:
        print(f"e2e: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("e2e: interrupted; no node or service of it is left", file=sys.stderr)
        return INTERRUPTED
    if asked.results:
        asked.results.write_text(json.dumps(results))
    print(f"{sum(results['steps_s'].values()) / 60:5.1f} min  in all")
    return 0 if results["passed"] else 1


def _interrupt(_number: int, _frame: object) -> None:
    """End as on Ctrl-C, once: what comes after that, as from `timeout` through make, must not cut the cleaning up."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make e2e ARGS=...", description=__doc__)
    parser.add_argument("--plan", choices=PLANS, default="all", help="which steps (default %(default)s)")
    parser.add_argument(
        "--kubeconfig", type=Path, help="run on this cluster; then no root is needed and nothing is built"
    )
    parser.add_argument(
        "--images",
        default="localhost/besteffort",
        help="for --kubeconfig: where that cluster finds the images, as in REGISTRY/besteffort: "
        "-operator:e2e, -router:e2e, -triton:e2e, -client:e2e, and -router:next, -triton:next (default %(default)s)",
    )
    parser.add_argument(
        "--gpu", default="NVIDIA-E2E", help="for --kubeconfig: product of its GPUs (default %(default)s)"
    )
    parser.add_argument("--results", type=Path, help="file for steps and figures as JSON")
    return parser.parse_args()


def _on_given_cluster(asked: argparse.Namespace, steps: Steps) -> dict[str, Any]:
    world = World(Kubectl(asked.kubeconfig), asked.images, asked.gpu)
    try:
        passed = play(PLANS[asked.plan], world, steps)
    finally:
        clean_up(world)
    return {"passed": passed, "steps_s": steps.seconds, "figures": world.figures}


def _on_own_node(plan: str, steps: Steps) -> dict[str, Any]:
    prerequisites.check()
    prerequisites.announce()
    with steps.step("packages and programs"):
        prerequisites.install()
    with steps.step("images"):
        built = build_images(HOME / "images")
    print("           " + ", ".join(f"{name} {size}" for name, (_, size) in built.items()), flush=True)
    results = _run_inside(plan, [archive for archive, _ in built.values()])
    return results | {"steps_s": steps.seconds | results["steps_s"]}


def _run_inside(plan: str, archives: list[Path]) -> dict[str, Any]:
    """Run the plan in fresh namespaces; when their first process ends, the kernel ends all the others."""
    folder = HOME / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [*UNSHARE, sys.executable, "-m", "e2e.inside", str(folder), plan, *map(str, archives)]
    with Cgroups():
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        try:
            process.wait()
        finally:
            # Not a softer signal, which unshare ignores: with it goes its child, and with that all that it started.
            process.kill()
            process.wait()
            for place in folder.glob("node-*"):
                shutil.rmtree(place, ignore_errors=True)
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    if not results["passed"]:
        print(f"e2e: a step failed; logs of the cluster are in {folder / 'logs'}.", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())
