"""Does the router decide as the simulator does? 10,000 recorded snapshots of bursty loads for every kind of policy.

Each decision of the compiled simulator is taken again by the interpreted core, called as the router calls it. Learned
is the demo's policy; DQN has random weights, since the demo brings none. The last line is one JSON object.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.learning_service import load_learning_service
from besteffort_core.bundle import parse_bundle
from besteffort_core.decide import Health, decide
from besteffort_core.dqn import Network, state_length
from besteffort_core.model import Refusal
from besteffort_core.policy import Kind, build_policy
from besteffort_sim.choice import build_plan
from besteffort_sim.model import HOPELESS, QUEUE_FULL, World
from besteffort_sim.simulator import request_of, simulate, snapshot_of
from besteffort_train.evaluation import build_workloads, named_traffic
from besteffort_train.perceptron import apart, build_parameters

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_core.policy import Policy
    from besteffort_sim.model import Log, Workload

DEMO = Path(__file__).parents[1] / "examples" / "demo"
SNAPSHOTS = 10_000
LOADS = 4


def main() -> None:
    service = load_learning_service(DEMO / "service.yaml", DEMO / "profile.yaml")
    bundle = parse_bundle((DEMO / "policy.safetensors").read_bytes())
    loads = build_workloads(service, named_traffic(service)["bursts"], LOADS)
    backends = service.pool.size_of.size
    world = World(np.full(len(service.sizes), 1.2), np.ones(backends, dtype=np.bool_), 0.001, service.max_requests)
    networks = {Kind.LEARNED: bundle.network, Kind.DQN: random_network(len(service.tasks), len(service.sizes))}
    compared, differ = {}, {}
    for kind in Kind:
        policy = replace(build_policy(kind, Kind.PRICE, bundle, static_size=1), network=networks.get(kind))
        plan = build_plan(kind, policy.rule.parameters, networks.get(kind))
        compared[kind.value] = differ[kind.value] = 0
        for load in loads:
            log = simulate(service.pool, world, load, plan, trail=True)
            rows = recorded(log)
            compared[kind.value] += len(rows)
            differ[kind.value] += sum(not same(service.pool, policy, load, log, world, int(k)) for k in rows)
        print(f"{kind}: {compared[kind.value]} decisions, {differ[kind.value]} differ")
    holds = not any(differ.values()) and min(compared.values()) >= SNAPSHOTS
    report = {
        "bar": "parity",
        "value": {"differing_decisions": sum(differ.values())},
        "goal": {"differing_decisions": 0, "snapshots": SNAPSHOTS},
        "holds": holds,
        "decisions": compared,
        "differ": differ,
    }
    print(json.dumps(report))


def recorded(log: Log) -> np.ndarray:
    """Return a load's share of the 10,000 decisions, spread over it; a full router does not ask its policy."""
    decided = np.flatnonzero(log.outcome != QUEUE_FULL)
    return decided[np.linspace(0, decided.size - 1, min(SNAPSHOTS // LOADS, decided.size)).astype(np.int64)]


def same(pool: Pool, policy: Policy, load: Workload, log: Log, world: World, k: int) -> bool:
    snapshot = snapshot_of(log, world, k)
    decision = decide(request_of(load, k, snapshot), pool, snapshot, policy, health=Health())
    refused = decision.refusal is Refusal.HOPELESS
    return bool(decision.size == log.size[k] and refused == (log.outcome[k] == HOPELESS))


def random_network(tasks: int, sizes: int) -> Network:
    length = state_length(tasks, sizes)
    parameters = build_parameters(length, 64, sizes, np.random.default_rng(0))
    infinite = np.full(length, np.inf, np.float32)
    return Network(*(*apart(parameters.online, length, 64, sizes), -infinite, infinite))


if __name__ == "__main__":
    main()
