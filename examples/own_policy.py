"""A policy of one's own against Price: the same bursts, 12 seeds, in the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.learning_service import load_learning_service
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.model import World
from besteffort_sim.simulator import simulate
from besteffort_train.evaluation import build_workloads, interval, named_traffic

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot
    from besteffort_core.policies import Parameters

DEMO = Path(__file__).parent / "demo"
SEEDS = 12


def choose(request: Request, candidates: Candidates, pool: Pool, _snapshot: Snapshot, parameters: Parameters) -> int:
    """Take the best size that leaves some of the deadline unused, else the one that is done first."""
    first = -1
    for size in pool.rank:
        backend = candidates.backend[size]
        if backend < 0:
            continue
        if candidates.finish_s[backend] <= parameters[0] * request.deadline_s:
            return int(backend)
        if first < 0 or candidates.finish_s[backend] < candidates.finish_s[first]:
            first = backend
    return int(first)


def main() -> None:
    """Print the mean rewards and their difference, seed by seed, with its 95 % interval."""
    service = load_learning_service(DEMO / "service.yaml", DEMO / "profile.yaml")
    pool, ready = service.pool, np.ones(service.pool.size_of.size, dtype=np.bool_)
    world = World(np.ones(len(service.sizes)), ready, 0.001, service.max_requests)
    loads = build_workloads(service, named_traffic(service)["bursts"], SEEDS)
    price = np.array([simulate(pool, world, load, build_plan(Kind.PRICE)).reward.mean() for load in loads])
    own = np.array([simulate(pool, world, load, np.array([0.5]), rule=choose).reward.mean() for load in loads])
    ahead = interval(own - price)
    print(f"own {own.mean():.3f}, Price {price.mean():.3f}: ahead {ahead.mean:+.3f} ± {ahead.half:.3f} ({SEEDS} seeds)")


if __name__ == "__main__":
    main()
