"""The same setting, simulated: what the router was told, the same arrivals, tasks and deadlines, servers as fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.replay import prompt_order
from besteffort_sim.choice import build_plan
from besteffort_sim.model import Workload, World
from besteffort_sim.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gap.live import Live
    from numpy.typing import NDArray

    from besteffort_router.config import Settings
    from besteffort_sim.model import Log

    Noise = Callable[[Sequence[str]], NDArray[np.float64]]

__all__ = ["Truth", "predict"]


@dataclass(frozen=True)
class Truth:
    """What the router does not know of the servers."""

    overhead_s: float
    """What one request takes on an idle service beyond its batch."""
    noise: Noise
    """Factors on the work of batches, from the prompts of all requests."""


def predict(live: Live, truth: Truth) -> dict[str, list[Log]]:
    """Return the logs of the rounds by the name of the policy."""
    return {
        name: [_simulated(live, name, truth, number) for number in range(live.course.rounds)] for name in live.settings
    }


def _simulated(live: Live, name: str, truth: Truth, number: int) -> Log:
    settings = live.settings[name]
    policy = settings.policy
    kind = policy.rule.kind if policy.network is None else policy.kind
    plan = build_plan(kind, policy.rule.parameters, policy.network)
    ready = np.ones(len(settings.backends), dtype=np.bool_)
    world = World(live.slowness[name][number], ready, truth.overhead_s, settings.max_requests)
    workload = _workload(live, settings, truth, number)
    return simulate(settings.pool, world, workload._replace(noise=workload.noise * live.paces[name][number]), plan)


def _workload(live: Live, settings: Settings, truth: Truth, number: int) -> Workload:
    course = live.course
    n = len(course.arrivals_s)
    rows = [course.rows[i] for i in prompt_order(len(course.rows), n, course.seed + number)]
    return Workload(
        arrival_s=np.asarray(course.arrivals_s),
        task=np.array([settings.tasks.index(row.task) for row in rows]),
        deadline_s=np.full(n, course.deadline_s),
        noise=truth.noise([row.prompt for row in rows]),
        units=np.ones(n, dtype=np.int64),
        output=np.zeros(n, dtype=np.int64),
        steps=np.zeros(n),
        difficulty=np.empty(0),
        router=np.zeros(n, dtype=np.int64),
    )
