"""PodMonitors: what Prometheus scrapes, where its operator is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.autoscalers import SERVICE_LABEL
from besteffort_operator.manifests.metadata import INJECT_LABEL, Component, child
from besteffort_operator.resource import RouterMode

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_operator.resource import BestEffortService

__all__ = ["monitors"]

INSTANCE_LABEL = "app.kubernetes.io/instance"


def monitors(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the monitor of the service's own pods, and that of the pods which its routers are injected into."""
    if "PodMonitor" not in context.available_kinds:
        return []
    found = [_monitor(service, context, service.metadata.name, INSTANCE_LABEL)]
    if service.spec.router.mode is RouterMode.SIDECAR:
        found.append(_monitor(service, context, f"{service.metadata.name}-sidecar", INJECT_LABEL))
    return found


def _monitor(service: BestEffortService, context: Context, name: str, label: str) -> Manifest:
    """`label` names the service on the pods; every series gets its value as one and the same label."""
    meta_label = "__meta_kubernetes_pod_label_" + "".join(c if c.isalnum() else "_" for c in label)
    relabelings = [{"sourceLabels": [meta_label], "targetLabel": SERVICE_LABEL}]
    spec = {
        "selector": {"matchLabels": {label: service.metadata.name}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics", "relabelings": relabelings}],
    }
    return child(service, context, "monitoring.coreos.com/v1/PodMonitor", name, Component.ROUTER, spec=spec)
