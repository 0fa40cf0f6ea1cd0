"""Does the router decide as the simulator does? 10,000 recorded snapshots of bursty loads for every kind of policy.

Each decision of the compiled simulator is taken again by the interpreted core, called as the router calls it. And the
network of the demo's policy gives the same values in torch and numpy. The last line is one JSON object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from besteffort_cli.learning_service import load_learning_service
from besteffort_core.bundle import parse_bundle
from besteffort_core.decide import Health, decide
from besteffort_core.model import Refusal
from besteffort_core.policy import Kind, build_policy
from besteffort_sim.choice import build_plan
from besteffort_sim.model import HOPELESS, QUEUE_FULL, World
from besteffort_sim.simulator import observations, request_of, simulate, snapshot_of
from besteffort_train.evaluation import build_workloads, named_traffic
from besteffort_train.export import TOLERANCE, greatest_difference

if TYPE_CHECKING:
    from besteffort_core.learned import Network
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
    compared, differ, apart = {}, {}, 0.0
    for kind in Kind:
        policy = build_policy(kind, Kind.PRICE, bundle, static_size=1)
        plan = build_plan(kind, policy.rule.parameters, bundle.network if kind is Kind.LEARNED else None)
        compared[kind.value] = differ[kind.value] = 0
        for load in loads:
            log = simulate(service.pool, world, load, plan, trail=True)
            rows = recorded(log)
            compared[kind.value] += len(rows)
            differ[kind.value] += sum(not same(service.pool, policy, load, log, world, int(k)) for k in rows)
            seen = observations(service.pool, world, load, log, rows)
            apart = max(apart, greatest_difference(torch_model(bundle.network), bundle.network, seen))
        print(f"{kind}: {compared[kind.value]} decisions, {differ[kind.value]} differ")
    holds = not any(differ.values()) and min(compared.values()) >= SNAPSHOTS and apart <= TOLERANCE
    report = {
        "bar": "parity",
        "value": {"differing_decisions": sum(differ.values()), "torch_numpy_difference": apart},
        "goal": {"differing_decisions": 0, "torch_numpy_difference": TOLERANCE, "snapshots": SNAPSHOTS},
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
    decision = decide(request_of(load, k), pool, snapshot_of(log, world, k), policy, health=Health())
    refused = decision.refusal is Refusal.HOPELESS
    return decision.size == log.size[k] and refused == (log.outcome[k] == HOPELESS)


def torch_model(network: Network) -> nn.Sequential:
    layers = []
    for weight, bias in ((network.w1, network.b1), (network.w2, network.b2), (network.w3, network.b3)):
        linear = nn.Linear(*weight.shape)
        linear.load_state_dict({"weight": torch.from_numpy(weight.T.copy()), "bias": torch.from_numpy(bias.copy())})
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


if __name__ == "__main__":
    main()
