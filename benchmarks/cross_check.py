"""Does the simulator agree with another one? Continuous batching of one server, request by request, against vidur.

`vidur/requests.csv` holds requests and what they take in vidur 0.0.26, as `vidur/play.py` wrote it. The same requests
are played here, and every latency must agree within a microsecond. Where the KV cache is too small it need not: vidur
takes a request out again when the cache is full, here it is promised room for its output before it begins. The last
line is one JSON object.
"""

from __future__ import annotations

import csv
import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from besteffort_core.policy import Kind
from besteffort_core.pool import BackendSpec, Decode, Generation, SizeSpec, build_pool
from besteffort_sim.choice import build_plan
from besteffort_sim.model import Workload, World
from besteffort_sim.simulator import run

if TYPE_CHECKING:
    from besteffort_core.model import Pool

HERE = Path(__file__).parent / "vidur"
OVERHEAD_S, WEIGHTS_S, UNIT_S, SEQUENCE_S, CONTEXT_S = 5.2e-3, 8.4e-3, 78e-6, 15e-6, 0.33e-6
"""Of OPT-6.7B in `a100_roofline`, as in `vidur/play.py`."""
APART = "small cache"
TOLERANCE_S = 1e-6


def main() -> None:
    found = {name: compare(ours, theirs) for name, (ours, theirs) in latencies().items()}
    print(f"{'case':14} {'':6} {'mean s':>8} {'p50 s':>8} {'p95 s':>8}   greatest difference of a request, s")
    for name, one in found.items():
        print(f"{name:14} ours   " + " ".join(f"{number:8.4f}" for number in one["ours"]))
        print(f"{'':14} vidur  " + " ".join(f"{number:8.4f}" for number in one["vidur"]) + f"   {one['apart_s']:.1e}")
    value = max(one["apart_s"] for name, one in found.items() if name != APART)
    report = {
        "check": "cross-check",
        "value": value,
        "goal": TOLERANCE_S,
        "holds": value <= TOLERANCE_S,
        "cases": found,
    }
    print(json.dumps(report))


def latencies() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each case the latencies of its requests, ours and vidur's."""
    profiles = json.loads((HERE / "profiles.json").read_text())
    with (HERE / "requests.csv").open() as lines:
        rows = {name: list(case) for name, case in groupby(csv.DictReader(lines), lambda row: row["case"])}
    return {name: (play(profiles[name], case), column(case, "latency_s")) for name, case in rows.items()}


def play(profile: dict[str, Any], rows: list[dict[str, str]]) -> np.ndarray:
    """Return our latencies: one server, first come first served, nothing expires."""
    n = len(rows)
    workload = Workload(
        arrival_s=column(rows, "arrival_s"),
        task=np.zeros(n, dtype=np.int64),
        deadline_s=np.full(n, 1e6),
        noise=np.ones(n),
        units=column(rows, "prompt").astype(np.int64),
        output=column(rows, "output").astype(np.int64),
        steps=column(rows, "output"),
        difficulty=np.empty(0),
        router=np.zeros(n, dtype=np.int64),
    )
    world = World(slowness=np.ones(1), ready=np.ones(1, dtype=np.bool_), overhead_s=0.0, max_requests=10**6)
    return run(server(profile), world, workload, build_plan(Kind.STATIC, np.zeros(1)), trail=False).latency_s


def server(profile: dict[str, Any]) -> Pool:
    table = {units: OVERHEAD_S + max(WEIGHTS_S, units * UNIT_S) for units in range(1, profile["units"] + 1)}
    decode = Decode(profile["sequences"], profile["context"], SEQUENCE_S, CONTEXT_S)
    sizes, backends = [SizeSpec("large", 1.0, {}, table, decode)], [BackendSpec("large", "gpu")]
    return build_pool((), sizes, backends, turns=True, generation=Generation(150.0, 40.0))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def compare(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    def figures(latency_s: np.ndarray) -> list[float]:
        return [round(float(number), 6) for number in (latency_s.mean(), *np.percentile(latency_s, (50, 95)))]

    return {"ours": figures(ours), "vidur": figures(theirs), "apart_s": float(np.abs(ours - theirs).max())}


if __name__ == "__main__":
    main()
