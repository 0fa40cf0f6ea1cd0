"""NetworkPolicies: who may call routers and Triton, and whom they may call. All else is refused, both ways.

Metrics stay open to every pod of the cluster: where Prometheus, an adapter or KEDA run is not known here, a policy that
hides metrics fails without a word, and they hold counts only, no request. What answers requests, and what loads and
unloads models, is Triton's port 8001: only routers reach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from besteffort_operator.manifests import router_container
from besteffort_operator.manifests.metadata import INJECT_LABEL, Component, child, router_selector, selector
from besteffort_operator.manifests.repository import fetches
from besteffort_resource.names import router_name, triton_name
from besteffort_resource.servers import GRPC_PORT, METRICS_PORT
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.service import BestEffortService

__all__ = ["router_policy", "triton_policy"]

# To anywhere: DNS is in another namespace, or on the node itself (NodeLocal DNSCache). In OpenShift
# the pods behind its Service listen on 5353, and that port is what policies see.
DNS_PORTS = (53, 5353)
ANY_POD: Manifest = {"namespaceSelector": {}}


def router_policy(service: BestEffortService, context: Context) -> Manifest:
    """Return the policy of the routers: clients from anywhere; out to DNS and to Triton."""
    spec = {
        "podSelector": {"matchLabels": router_selector(service)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"ports": _tcp(router_container.GRPC_PORT)},
            {"from": [ANY_POD], "ports": _tcp(router_container.METRICS_PORT)},
        ],
        "egress": [
            {"ports": [{"protocol": protocol, "port": port} for port in DNS_PORTS for protocol in ("UDP", "TCP")]},
            {"to": [_pods(selector(service, Component.TRITON))], "ports": _tcp(GRPC_PORT, METRICS_PORT)},
        ],
    }
    return _policy(service, context, router_name(service), Component.ROUTER, spec)


def triton_policy(service: BestEffortService, context: Context) -> Manifest:
    """Return the policy of Triton: in from the routers, wherever they run; out only where it fetches models."""
    sidecars = service.spec.router.mode is RouterMode.SIDECAR
    callers = {INJECT_LABEL: service.metadata.name} if sidecars else router_selector(service)
    spec: Manifest = {
        "podSelector": {"matchLabels": selector(service, Component.TRITON)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [_pods(callers)], "ports": _tcp(GRPC_PORT)},
            {"from": [ANY_POD], "ports": _tcp(METRICS_PORT)},
        ],
    }
    if fetches(service):
        # Stores and hubs have no addresses that a policy could name.
        spec["egress"] = [{}]
    return _policy(service, context, triton_name(service), Component.TRITON, spec)


def _policy(
    service: BestEffortService, context: Context, name: str, component: Component, spec: dict[str, Any]
) -> Manifest:
    return child(service, context, "networking.k8s.io/v1/NetworkPolicy", name, component, spec=spec)


def _pods(labels: dict[str, str]) -> Manifest:
    return {"podSelector": {"matchLabels": labels}}


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]
