"""PodMonitors: what Prometheus scrapes, where its operator is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.autoscalers import SERVICE_LABEL
from besteffort_operator.manifests.metadata import INJECT_LABEL, INSTANCE_LABEL, Component, child, instance
from besteffort_operator.manifests.router_container import SIDECAR
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.service import BestEffortService

__all__ = ["monitors"]


def monitors(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the monitor of the service's own pods, and that of the pods which its routers are injected into."""
    if "PodMonitor" not in context.available_kinds:
        return []
    name = service.metadata.name
    found = [_monitor(service, context, name, _endpoint("metrics", INSTANCE_LABEL), instance(service))]
    if service.spec.router.mode is RouterMode.SIDECAR:
        endpoint = _endpoint(SIDECAR.port_name("metrics"), INJECT_LABEL)
        found.append(_monitor(service, context, f"{name}-sidecar", endpoint, {INJECT_LABEL: name}))
    return found


def _monitor(
    service: BestEffortService, context: Context, name: str, endpoint: Manifest, selects: dict[str, str]
) -> Manifest:
    spec = {"selector": {"matchLabels": selects}, "podMetricsEndpoints": [endpoint]}
    return child(service, context, "monitoring.coreos.com/v1/PodMonitor", name, Component.ROUTER, spec=spec)


def _endpoint(port: str, label: str) -> Manifest:
    """`label` names the service on the pods; every series gets its value as one and the same label."""
    meta_label = "__meta_kubernetes_pod_label_" + "".join(c if c.isalnum() else "_" for c in label)
    relabelings = [{"sourceLabels": [meta_label], "targetLabel": SERVICE_LABEL}]
    return {"port": port, "path": "/metrics", "relabelings": relabelings}
