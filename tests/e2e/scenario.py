"""All steps on a cluster, in order: each builds on those before."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from e2e.installation_steps import delete_service, install_operator, start_service, uninstall_operator
from e2e.request_steps import ask, ask_through_sidecar, burst
from e2e.rollout_steps import drain_node, roll_image, roll_policy, roll_router, roll_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.timing import Steps
    from e2e.world import World

__all__ = ["PLANS", "play"]

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
PLANS: dict[str, dict[str, Callable[[World], None]]] = {
    "all": BEGIN | MORE | ROLLOUTS | {"drain a node under load": drain_node} | END,
    "rollouts": BEGIN | ROLLOUTS | END,
}


RATES_RPS = {"all": 20.0, "rollouts": 50.0}
"""Of the load on rollouts: what a busy machine of two cores carries too, and what is promised."""


def play(plan: str, world: World, steps: Steps) -> bool:
    """Run the steps of a plan and tell whether all passed; the first that fails ends it and is explained."""
    world.rate_rps = RATES_RPS[plan]
    try:
        for title, act in PLANS[plan].items():
            with steps.step(title):
                act(world)
    except Exception:  # noqa: BLE001 - whatever a step raises is what the run has to say
        traceback.print_exc()
        return False
    return True
