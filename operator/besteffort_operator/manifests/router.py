"""The routers' Deployment, that of a policy's canary, their configuration and their Services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToJson

from besteffort_operator.manifests.metadata import (
    GROUP,
    ROLE_LABEL,
    Component,
    child,
    digest,
    labels,
    router_selector,
    selector,
)
from besteffort_operator.manifests.placement import spread
from besteffort_operator.manifests.pod import pod_template
from besteffort_operator.manifests.policy import bundle_path
from besteffort_operator.manifests.replicas import router_replicas
from besteffort_operator.manifests.router_container import (
    CONFIG_KEY,
    GRPC_PORT,
    METRICS_PORT,
    bundle_of,
    router_container,
)
from besteffort_resource.names import canary_name, router_name
from besteffort_resource.router_config import cluster_config

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.service import BestEffortService

__all__ = ["router_configs", "router_deployments", "router_services"]


def router_configs(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the ConfigMap that the routers read, and that of a canary.

    Raises:
        ResourceError: a size has no quality or no latency, neither in the resource nor in its profile.
    """
    found = [_config_map(service, context, canary=False)]
    return [*found, _config_map(service, context, canary=True)] if service.spec.policy.canary else found


def router_deployments(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the routers' Deployment, and that of a canary beside it."""
    found = [_deployment(service, context, router_replicas(service), canary=False)]
    if canary := service.spec.policy.canary:
        found.append(_deployment(service, context, {"replicas": canary.replicas}, canary=True))
    return found


def router_services(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the Service that clients call, and the headless one for clients that choose among routers themselves."""
    grpc = {"name": "grpc", "port": GRPC_PORT, "protocol": "TCP", "targetPort": "grpc"}
    if not service.spec.router.tls:
        grpc["appProtocol"] = "kubernetes.io/h2c"
    metrics = {"name": "metrics", "port": METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"}
    return [
        _service(service, context, service.metadata.name, type="ClusterIP", ports=[grpc]),
        _service(service, context, router_name(service), clusterIP="None", ports=[grpc, metrics]),
    ]


def _config_map(service: BestEffortService, context: Context, *, canary: bool) -> Manifest:
    name = canary_name(service) if canary else router_name(service)
    data = {CONFIG_KEY: _config_text(service, context, canary=canary)}
    return child(service, context, "v1/ConfigMap", name, _component(canary=canary), data=data)


def _config_text(service: BestEffortService, context: Context, *, canary: bool) -> str:
    path = bundle_path(bundle_of(service, canary=canary))
    config = cluster_config(service, context.namespace, bundle_path=path, profiles=context.profiles)
    return MessageToJson(config, indent=2, sort_keys=True) + "\n"


def _deployment(service: BestEffortService, context: Context, replicas: Manifest, *, canary: bool) -> Manifest:
    component = _component(canary=canary)
    spec = {
        **replicas,
        "selector": {"matchLabels": selector(service, component)},
        # A router needs no accelerator: none goes before its successor is ready.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "revisionHistoryLimit": 3,
        "template": _template(service, context, canary=canary),
    }
    name = canary_name(service) if canary else router_name(service)
    return child(service, context, "apps/v1/Deployment", name, component, spec=spec)


def _template(service: BestEffortService, context: Context, *, canary: bool) -> Manifest:
    component = _component(canary=canary)
    router = router_container(service, context, canary=canary)
    bundle = bundle_of(service, canary=canary)
    read = [_config_text(service, context, canary=canary), bundle.model_dump(mode="json") if bundle else None]
    return pod_template(
        labels(service, component) | {ROLE_LABEL: "router"},
        {f"{GROUP}/config": digest(read)},
        {
            "serviceAccountName": router_name(service),
            "terminationGracePeriodSeconds": router.stop_s,
            "topologySpreadConstraints": spread(router_selector(service)),
            "containers": [router.container],
        },
        volumes=router.volumes,
        overlay=service.spec.router.pod_template,
    )


def _service(service: BestEffortService, context: Context, name: str, **spec: Any) -> Manifest:  # noqa: ANN401  JSON
    body = {"selector": router_selector(service), **spec}
    return child(service, context, "v1/Service", name, Component.ROUTER, spec=body)


def _component(*, canary: bool) -> Component:
    return Component.ROUTER_CANARY if canary else Component.ROUTER
