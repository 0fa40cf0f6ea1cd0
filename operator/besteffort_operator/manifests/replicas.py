"""How many pods a Deployment is told to run; nothing where somebody else writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_resource.capacity import ScalingEngine

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["router_replicas", "triton_replicas"]


def triton_replicas(server: Server, context: Context) -> Manifest:
    """Return the field `replicas` of a server's Deployment, or no field under an HPA or KEDA."""
    scaling = server.scaling
    if scaling is None:
        return {"replicas": server.host.replicas or 1}
    if scaling.engine is not ScalingEngine.OPERATOR:
        return {}
    wanted = context.replicas.get(server.name, scaling.min_replicas)
    return {"replicas": min(max(wanted, scaling.min_replicas), scaling.max_replicas)}


def router_replicas(service: BestEffortService) -> Manifest:
    """Return the field `replicas` of the routers' Deployment, those of a canary less, or no field under an HPA."""
    router, canary = service.spec.router, service.spec.policy.canary
    if router.scaling:
        return {}
    return {"replicas": (router.replicas or 1) - (canary.replicas if canary else 0)}
