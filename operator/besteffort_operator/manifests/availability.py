"""PodDisruptionBudgets: a drained node takes one pod of a Deployment at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.metadata import Component, child, router_selector, selector
from besteffort_resource.names import router_name

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["router_budget", "triton_budget"]


def triton_budget(service: BestEffortService, context: Context, server: Server) -> Manifest:
    """Return the budget of one server's pods."""
    spec = _spec(selector(service, Component.TRITON, server.only))
    return child(
        service,
        context,
        "policy/v1/PodDisruptionBudget",
        server.name,
        Component.TRITON,
        size=server.only,
        spec=spec,
    )


def router_budget(service: BestEffortService, context: Context) -> Manifest:
    """Return the budget of all routers, those of a canary among them."""
    spec = _spec(router_selector(service))
    return child(service, context, "policy/v1/PodDisruptionBudget", router_name(service), Component.ROUTER, spec=spec)


def _spec(selects: dict[str, str]) -> Manifest:
    return {
        # Not minAvailable: with one replica that would let no node be drained.
        "maxUnavailable": 1,
        "selector": {"matchLabels": selects},
        # A pod that is not ready serves nobody, and must not keep a node from being drained.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
