"""The objects by which others change the number of replicas: an HPA or a ScaledObject for Triton, an HPA for routers.

Both scale Triton on the seconds of work that wait in all its replicas together, held to the target for each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from besteffort_operator.manifests.metadata import Component, child
from besteffort_operator.manifests.router_container import GRPC_PORT
from besteffort_resource.capacity import ScalingEngine
from besteffort_resource.names import router_name
from besteffort_resource.quantities import decimal_text

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.capacity import Scaling
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["SERVICE_LABEL", "router_autoscaler", "triton_autoscaler"]

METRIC = "besteffort_backlog_seconds"
SERVICE_LABEL = "besteffort_service"
"""Label of the series: which service a pod belongs to."""


def triton_autoscaler(service: BestEffortService, context: Context, server: Server) -> list[Manifest]:
    """Return the HPA or the ScaledObject of a server; none where its replicas are fixed or the operator scales."""
    scaling = server.scaling
    if scaling is None or scaling.engine is ScalingEngine.OPERATOR:
        return []
    if scaling.engine is ScalingEngine.HPA:
        kind, spec = "autoscaling/v2/HorizontalPodAutoscaler", _hpa(service, server, scaling)
    elif "ScaledObject" in context.available_kinds:
        kind, spec = "keda.sh/v1alpha1/ScaledObject", _scaled_object(service, context, server, scaling)
    else:
        return []
    return [child(service, context, kind, server.name, Component.TRITON, size=server.only, spec=spec)]


def router_autoscaler(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the HPA of the routers, if they scale."""
    scaling = service.spec.router.scaling
    if not scaling:
        return []
    name = router_name(service)
    utilization = {"type": "Utilization", "averageUtilization": scaling.cpu_percent}
    spec = {
        "scaleTargetRef": _target(name),
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
    }
    return [child(service, context, "autoscaling/v2/HorizontalPodAutoscaler", name, Component.ROUTER, spec=spec)]


def _hpa(service: BestEffortService, server: Server, scaling: Scaling) -> Manifest:
    metric = {"name": METRIC, "selector": {"matchLabels": _series(service, server)}}
    target = {"type": "AverageValue", "averageValue": f"{math.ceil(scaling.target.backlog_s * 1000)}m"}
    return {
        "scaleTargetRef": _target(server.name),
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [{"type": "External", "external": {"metric": metric, "target": target}}],
        "behavior": _behavior(scaling),
    }


def _scaled_object(service: BestEffortService, context: Context, server: Server, scaling: Scaling) -> Manifest:
    asked = _prometheus(service, context, server, scaling) if scaling.prometheus_address else None
    return {
        "scaleTargetRef": {"name": server.name},
        "minReplicaCount": scaling.min_replicas,
        "maxReplicaCount": scaling.max_replicas,
        "pollingInterval": 5,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior(scaling)}},
        "triggers": [asked or _external(service, context, server, scaling)],
    }


def _prometheus(service: BestEffortService, context: Context, server: Server, scaling: Scaling) -> Manifest:
    series = {"namespace": context.namespace} | _series(service, server)
    chosen = ",".join(f'{label}="{value}"' for label, value in series.items())
    return {
        "type": "prometheus",
        "metadata": {
            "serverAddress": scaling.prometheus_address,
            # Each router reports the work of all of them as it sees it.
            "query": f"sum(max by (size, replica) (besteffort_router_backlog_seconds{{{chosen}}}))",
            "threshold": decimal_text(scaling.target.backlog_s, digits=3),
        },
    }


def _external(service: BestEffortService, context: Context, server: Server, scaling: Scaling) -> Manifest:
    return {
        "type": "external",
        "metadata": {
            "scalerAddress": f"{service.metadata.name}.{context.namespace}.svc:{GRPC_PORT}",
            "targetBacklogMs": decimal_text(scaling.target.backlog_s * 1000, digits=3),
            **({"size": server.only} if server.only else {}),
            # Numbers only: a certificate that KEDA cannot check is good enough for them.
            **({"enableTLS": "true", "unsafeSsl": "true"} if service.spec.router.tls else {}),
        },
    }


def _series(service: BestEffortService, server: Server) -> dict[str, str]:
    return {SERVICE_LABEL: service.metadata.name} | ({"size": server.only} if server.only else {})


def _behavior(scaling: Scaling) -> Manifest:
    return {"scaleDown": {"stabilizationWindowSeconds": math.ceil(scaling.scale_down_delay_s)}}


def _target(name: str) -> Manifest:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
