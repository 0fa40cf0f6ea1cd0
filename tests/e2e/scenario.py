"""All steps on a cluster, in order: each builds on those before."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.installation_steps import delete_service, install_operator, start_service, uninstall_operator
from e2e.request_steps import ask, ask_through_sidecar, burst
from e2e.rollout_steps import drain_node, roll_image, roll_policy, roll_router, roll_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.timing import Steps
    from e2e.world import World

__all__ = ["PLANS", "Plan", "play"]

BEGIN = {
    "helm install the operator": install_operator,
    "kubectl apply a service: it becomes Ready": start_service,
    "a stock Triton client through the Service": ask,
}
ROLLOUTS = {
    "roll the policy under load": roll_policy,
    "roll one size under load": roll_size,
    "roll the image of all sizes under load": roll_image,
    "roll the routers under load": roll_router,
}
END = {
    "delete the service: nothing is left": delete_service,
    "helm uninstall: nothing is left": uninstall_operator,
}
MORE = {
    "a burst: every request is answered or refused": burst,
    "a stock Triton client through a router in its pod": ask_through_sidecar,
}


@dataclass(frozen=True)
class Plan:
    """Steps, and the load on those that change something."""

    steps: dict[str, Callable[[World], None]]
    rate_rps: float
    large_model: str
    """Which model the size large serves: two cores carry 50 requests/s in equal shares only without the large one."""


PLANS = {
    "all": Plan(BEGIN | MORE | ROLLOUTS | {"drain a node under load": drain_node} | END, 20.0, "large"),
    "rollouts": Plan(BEGIN | ROLLOUTS | END, 50.0, "medium"),
}


def play(plan: Plan, world: World, steps: Steps) -> bool:
    """Run the steps of a plan and tell whether all passed; the first that fails ends it and is explained."""
    world.rate_rps, world.large_model = plan.rate_rps, plan.large_model
    try:
        for title, act in plan.steps.items():
            with steps.step(title):
                act(world)
    except Exception:  # noqa: BLE001 - whatever a step raises is what the run has to say
        traceback.print_exc()
        return False
    return True
