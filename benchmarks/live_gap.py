"""Is the simulator right? Policies on live servers behind the real router, against what it predicts for the same load.

Two settings: the demo's models on this machine, measured first as `besteffort demo` does; and four emulated GPU servers
with three sizes each, which sleep where a GPU would compute. The simulator gets what the router was told, the same
arrivals, tasks and deadlines, the seconds that a single request takes beyond its batch, and, since the speed of a
machine changes from one moment to the next, what batches of the demo's models took: processor seconds of their servers
over what the profile says in each turn, and by how much the batch of each request took longer than others of its size
and number. So the demo is replayed more than predicted: `gap_points_by_profile` is without all that. Each turn of a
policy begins with a router that has learned no more than a warm-up teaches. Policies count as tied, and their order as
equal, where they differ by less than two standard errors, measured or predicted. The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from emulated.pool import MEAN_TOKENS, SIZES, SLOWED, EmulatedStack, overslept_s, profiles, write_repository
from gap.comparison import compare, inverted, result
from gap.live import as_profiled, contestants, fresh_router, measure, ping_s
from gap.meter import Meter, alone_s, since
from gap.pace import timed_repository
from gap.prediction import Truth, predict

from besteffort_cli.calibrate import measure_stack
from besteffort_cli.calibration import profiles_of
from besteffort_cli.contest import Course
from besteffort_cli.cores import CoreSplit, split_cores
from besteffort_cli.dataset import Row, read_rows
from besteffort_cli.demo import EXAMPLE
from besteffort_cli.installation import find_or_install, home_folder
from besteffort_cli.local_service import load_local_service
from besteffort_cli.preparation import confined
from besteffort_cli.stack import Ground, LocalStack
from besteffort_cli.trace import read_trace
from besteffort_cli.window import choose_window
from besteffort_resource.service import PolicyKind
from besteffort_sim.workload import Bursts, draw_arrivals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gap.comparison import Policy
    from gap.live import Live
    from numpy.typing import NDArray

    from besteffort_cli.local_service import LocalService

EMULATED = Path(__file__).parent / "emulated" / "service.yaml"
ROUNDS = 3
REQUESTS = 1600
"""A round of the emulated servers."""
PEAK_RPS = 350.0
GOAL = {"gap_points": 3.0, "latency_gap": 0.15, "order_equal": True}
_INTERRUPTED = 130


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began_s = time.monotonic()
    try:
        settings = {"emulated": emulated_setting(), "demo": demo_setting()}
    except KeyboardInterrupt:
        return _INTERRUPTED
    print(json.dumps(report(settings, time.monotonic() - began_s)))
    return 0


def emulated_setting() -> dict[str, Any]:
    """Run four emulated servers with three sizes each; return the comparison."""
    everything = frozenset(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        local = load_local_service(EMULATED, models=write_repository(Path(folder)))
        ground = Ground(home_folder(), CoreSplit(everything, everything), find_or_install(home_folder(), print), print)
        with EmulatedStack(local, ground) as stack:
            course = emulated_course(local)
            router = fresh_router(stack, profiles(), course)
            stack.set_policy(PolicyKind.STATIC, static_size=SIZES[0].name)
            mean_row = Row(course.rows[0].task, str(MEAN_TOKENS), "-")
            overhead_s = ping_s(router.address, course.model_name, mean_row) - SIZES[0].seconds(MEAN_TOKENS)
            entries = contestants([size.name for size in SIZES], learned=False)
            live = measure(stack, profiles(), course, entries)  # they sleep what the profile says
            overslept_ms = [round(1000 * value, 2) for value in np.quantile(overslept_s(stack.folder), (0.5, 0.99))]
    return compared("emulated", live, Truth(overhead_s, token_noise)) | {
        "slowed": SLOWED,
        "overslept_p50_p99_ms": overslept_ms,
    }


def emulated_course(local: LocalService) -> Course:
    """Return lulls that the large size can carry and bursts that the medium one cannot."""
    servers = local.service.spec.placement.replicas or 1
    _, medium_rps, large_rps = (servers * size.most / size.seconds(MEAN_TOKENS * size.most) for size in SIZES)
    rng = np.random.default_rng(7)
    arrivals_s = draw_arrivals(Bursts(0.8 * large_rps, 1.4 * medium_rps, 3.0, 1.5), REQUESTS, rng)
    tasks, lengths = local.service.spec.tasks, rng.integers(100, 201, REQUESTS)
    rows = [Row(tasks[i % len(tasks)], str(tokens), "-") for i, tokens in enumerate(lengths)]
    return Course(local.service.model_name, arrivals_s, rows, local.service.spec.deadline.default_s, ROUNDS, 0)


def token_noise(prompts: Sequence[str]) -> NDArray[np.float64]:
    """Return by how much longer than one of mean length each request and the next take, on average of the sizes.

    A batch is as long as all requests in it, and nobody knows which these will be: so many as a batch of the medium
    size has are a rough guess, ours.
    """
    alone = np.array([np.mean([s.seconds(int(p)) / s.seconds(MEAN_TOKENS) for s in SIZES]) for p in prompts])
    joined = np.median([size.most for size in SIZES]).astype(int)
    return np.array([alone[k : k + joined].mean() for k in range(alone.size)])


def demo_setting() -> dict[str, Any]:
    """Run the demo's models; return the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        return demo_comparison(timed_repository(EXAMPLE / "models", Path(folder)))


def demo_comparison(models: Path) -> dict[str, Any]:
    local = load_local_service(EXAMPLE / "service.yaml", models=models)
    home, prompts = home_folder(), EXAMPLE / "prompts.jsonl"
    ground = Ground(home, split_cores(), find_or_install(home, print), print)
    names = [size.name for size in local.service.spec.sizes]
    with LocalStack(local, ground) as stack, confined(ground.cores.rest):
        measured = measure_stack(local, stack, prompts)
        profiled, rows = profiles_of(measured), read_rows(prompts)
        course = demo_course(local, rows, {size: found.capacity_rps for size, found in measured.items()})
        router, meter = fresh_router(stack, profiled, course), Meter(local.service, stack, profiled)
        stack.set_policy(PolicyKind.STATIC, static_size=names[0])
        before = meter.read()
        overhead_s = ping_s(router.address, course.model_name, rows[0]) - alone_s(since(before, meter.read()))
        live = measure(stack, profiled, course, contestants(names, learned=bool(local.bundle_path())), meter)
    truth = Truth(overhead_s, lambda prompts: np.ones(len(prompts)))
    sizes = next(iter(live.settings.values())).sizes
    by_profile = compare(live.rounds, predict(as_profiled(live), truth), sizes)
    return compared("demo", live, truth) | {
        "gap_by_profile": {policy: round(found.gap, 2) for policy, found in by_profile.items()}
    }


def demo_course(local: LocalService, rows: Sequence[Row], capacities_rps: dict[str, float]) -> Course:
    """Return the window of the trace that the demo would choose."""
    window = choose_window(read_trace(EXAMPLE / "trace.csv"), capacities_rps, length_s=16.0, cap_rps=PEAK_RPS)
    print(f"demo: {window.sentence()}")
    deadline_s = local.service.spec.deadline.default_s
    return Course(local.service.model_name, window.arrivals_s, rows, deadline_s, ROUNDS, 0)


def compared(name: str, live: Live, truth: Truth) -> dict[str, Any]:
    """Return what was measured and predicted, and what of it the goals are about."""
    sizes = next(iter(live.settings.values())).sizes
    policies = compare(live.rounds, predict(live, truth), sizes)
    print_table(name, policies)
    return {
        "gap_points": round(max(abs(policy.gap) for policy in policies.values()), 2),
        "latency_gap": round(max(abs(gap) for policy in policies.values() for gap in policy.latency_gaps), 3),
        "inverted": inverted(policies),
        "overhead_ms": round(1000 * truth.overhead_s, 2),
        "true_over_profiled_s": {
            name: [factors.round(3).tolist() for factors in rounds] for name, rounds in live.slowness.items()
        },
        "pace_spread": {name: [round(float(one.std()), 3) for one in rounds] for name, rounds in live.paces.items()},
        "others_share_of_cores": round(live.others_share, 3),
        "restarts": live.restarts,
        "policies": result(policies),
    }


def print_table(name: str, policies: dict[str, Policy]) -> None:
    print(f"{name:14} measured predicted    gap   p50 ms          p95 ms")
    for policy_name, policy in policies.items():
        rewards = f"{100 * policy.live_worth.mean():8.1f} {100 * policy.simulated_worth.mean():9.1f} {policy.gap:+6.1f}"
        times = [f"{1000 * a:5.0f} {1000 * b:5.0f}" for a, b in zip(policy.live_s, policy.simulated_s, strict=True)]
        print(f"{policy_name:14} {rewards}   {'     '.join(times)}", flush=True)


def report(settings: dict[str, dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the bar's line."""
    value = {
        "gap_points": max(setting["gap_points"] for setting in settings.values()),
        "gap_points_by_profile": max(map(abs, settings["demo"]["gap_by_profile"].values())),
        "latency_gap": max(setting["latency_gap"] for setting in settings.values()),
        "order_equal": not any(setting["inverted"] for setting in settings.values()),
    }
    holds = (
        value["gap_points"] <= GOAL["gap_points"]
        and value["latency_gap"] <= GOAL["latency_gap"]
        and value["order_equal"]
    )
    return {"bar": "live-gap", "value": value, "goal": GOAL, "holds": holds, **settings, "seconds": round(seconds)}


if __name__ == "__main__":
    sys.exit(main())
