"""How fast is learning? Simulated requests a second on one core, and the demo's training on two, done twice.

Training is the command that a user types, in full both times: the same seed must give the same bytes. The last line is
one JSON object. Goal: 200,000 requests a second with Price (median of 7 repeats), 300 s for the slower training.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from besteffort_cli.learning_service import load_learning_service
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.model import World
from besteffort_sim.simulator import simulate
from besteffort_train.evaluation import build_workloads, named_traffic

DEMO = Path(__file__).parents[1] / "examples" / "demo"
FILES = ("--service", str(DEMO / "service.yaml"), "--profile", str(DEMO / "profile.yaml"))
REPEATS = 7
TRAININGS = 2
CORES = 2
GOAL = {"simulated_rps": 200_000, "train_s": 300.0, "identical_bundles": True}


def main() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    rates_rps, requests = simulated_rps()
    with tempfile.TemporaryDirectory() as folder:
        trainings = [train(Path(folder) / f"{number}.safetensors") for number in range(TRAININGS)]
    seconds, bundles, rewards = zip(*trainings, strict=True)
    value = {
        "simulated_rps": round(statistics.median(rates_rps)),
        "train_s": round(max(seconds), 1),
        "identical_bundles": len(set(bundles)) == 1,
    }
    report = {
        "bar": "sim",
        "value": value,
        "goal": GOAL,
        "holds": value["simulated_rps"] >= GOAL["simulated_rps"]
        and value["train_s"] <= GOAL["train_s"]
        and value["identical_bundles"],
        "simulated_rps_min_max": [round(min(rates_rps)), round(max(rates_rps))],
        "requests_a_repeat": requests,
        "trainings_s": [round(one, 1) for one in seconds],
        "trainings": "both in full, by the command, with seed 0",
        "digests": [one[:12] for one in bundles],
        "reward_on_unseen_episodes": rewards[0],
        "cores": len(os.sched_getaffinity(0)),
    }
    print(json.dumps(report))


def simulated_rps() -> tuple[list[float], int]:
    """Return the rate of each repeat, all named loads with Price in one thread, and the requests of one repeat."""
    service = load_learning_service(DEMO / "service.yaml", DEMO / "profile.yaml")
    plan = build_plan(Kind.PRICE)
    ready = np.ones(service.pool.size_of.size, dtype=np.bool_)
    world = World(np.ones(len(service.sizes)), ready, 0.001, service.max_requests)
    loads = [load for traffic in named_traffic(service).values() for load in build_workloads(service, traffic, 3)]
    requests = sum(load.task.size for load in loads)
    simulate(service.pool, world, loads[0], plan)
    rates_rps = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        for load in loads:
            simulate(service.pool, world, load, plan)
        rates_rps.append(requests / (time.perf_counter() - began_s))
        print(f"{rates_rps[-1]:,.0f} simulated requests a second")
    return rates_rps, requests


def train(out: Path) -> tuple[float, str, dict[str, float]]:
    """Return seconds, the digest of the bundle, and its rewards on episodes that it was not trained on."""
    command = [str(Path(sys.executable).with_name("besteffort")), "train", *FILES]
    began_s = time.perf_counter()
    done = subprocess.run(
        [*command, "--seed", "0", "--out", str(out), "--output", "json"], stdout=subprocess.PIPE, text=True, check=True
    )
    seconds = time.perf_counter() - began_s
    print(f"trained in {seconds:.0f} s")
    return seconds, sha256(out.read_bytes()).hexdigest(), json.loads(done.stdout)["results"]["episodes"]


if __name__ == "__main__":
    main()
