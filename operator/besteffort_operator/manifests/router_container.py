"""The router's container with its volumes: the same in its own Deployment and in a client's pod."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_operator.manifests.placement import resources
from besteffort_operator.manifests.pod import RESTRICTED, Volume, http_probe, scratch, sleep_before_stop
from besteffort_operator.manifests.policy import bundle_volumes
from besteffort_resource.containers import Resources
from besteffort_resource.names import canary_name, router_name
from besteffort_resource.servers import longest_request_s, worth_until_s

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.policy import Bundle
    from besteffort_resource.service import BestEffortService

__all__ = [
    "CONFIG_KEY",
    "GATEWAY",
    "GRPC_PORT",
    "METRICS_PORT",
    "SIDECAR",
    "Listen",
    "RouterContainer",
    "bundle_of",
    "router_container",
]

CONFIG_KEY = "router.json"
CONFIG_FOLDER = "/etc/besteffort/config"
TLS_FOLDER = "/etc/besteffort/tls"
GRPC_PORT = 8001
METRICS_PORT = 9090
TURN_AWAY_S = 35
"""Until no client is left: no new connection comes, and routers end each at an age of 30 s, a tenth more or less."""
STOP_MARGIN_S = 5
IDLE_MIB = 256
"""Memory of a router without requests, with room for a policy that is being loaded beside the old one."""


@dataclass(frozen=True)
class Listen:
    """Where a router listens, as host:port."""

    grpc: str
    metrics: str
    prefix: str
    """Of the names of its ports: in a client's pod they must not be the client's."""

    def port_name(self, port: str) -> str:
        """Return the name of its port `grpc` or `metrics`."""
        return self.prefix + port


GATEWAY = Listen(f"0.0.0.0:{GRPC_PORT}", f"0.0.0.0:{METRICS_PORT}", prefix="")
# The clients of a sidecar are in its pod; the kubelet, Prometheus and the operator are not.
SIDECAR = Listen(f"127.0.0.1:{GRPC_PORT}", f"0.0.0.0:{METRICS_PORT}", prefix="bes-")


@dataclass(frozen=True)
class RouterContainer:
    """A container, and what its pod must give it."""

    container: Manifest
    volumes: tuple[Volume, ...]
    stop_s: int
    """Seconds from the pod's deletion to its end, the preStop hook among them."""


def router_container(
    service: BestEffortService, context: Context, *, listen: Listen = GATEWAY, canary: bool = False
) -> RouterContainer:
    """Return the router's container; that of the canary reads the canary's configuration and bundle."""
    router = service.spec.router
    volumes, metrics = _volumes(service, canary=canary), listen.port_name("metrics")
    container = {
        "name": "router",
        "image": router.image or context.router_image,
        "command": ["python", "-m", "besteffort_router"],
        "args": _arguments(service, listen),
        "ports": [
            {"name": listen.port_name("grpc"), "containerPort": GRPC_PORT, "protocol": "TCP"},
            {"name": metrics, "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": resources(_resources(service)),
        "readinessProbe": http_probe("/readyz", metrics, period_s=2, failures=2),
        "livenessProbe": http_probe("/healthz", metrics, period_s=10, failures=3),
        "lifecycle": sleep_before_stop(TURN_AWAY_S),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": RESTRICTED,
        "volumeMounts": [volume.mount for volume in volumes],
    }
    return RouterContainer(container, volumes, TURN_AWAY_S + math.ceil(_drain_s(service)) + STOP_MARGIN_S)


def bundle_of(service: BestEffortService, *, canary: bool) -> Bundle | None:
    """Return the policy bundle of the routers, or of their canary."""
    policy = service.spec.policy
    return policy.canary.bundle if canary and policy.canary else policy.bundle


def _drain_s(service: BestEffortService) -> float:
    """Return for how long a router that must go still answers: no shorter than any request that it may have taken."""
    drain_s = service.spec.router.drain_s
    return drain_s if drain_s >= worth_until_s(service) else longest_request_s(service)


def _arguments(service: BestEffortService, listen: Listen) -> list[str]:
    router = service.spec.router
    return [
        f"--config={CONFIG_FOLDER}/{CONFIG_KEY}",
        f"--listen={listen.grpc}",
        f"--metrics={listen.metrics}",
        f"--drain-s={_drain_s(service):g}",
        *([f"--tls-cert={TLS_FOLDER}/tls.crt", f"--tls-key={TLS_FOLDER}/tls.key"] if router.tls else []),
    ]


def _volumes(service: BestEffortService, *, canary: bool) -> tuple[Volume, ...]:
    name = canary_name(service) if canary else router_name(service)
    config = Volume("config", {"configMap": {"name": name}}, CONFIG_FOLDER)
    tls = service.spec.router.tls
    secret = (Volume("tls", {"secret": {"secretName": tls.secret_name}}, TLS_FOLDER),) if tls else ()
    return (scratch(sizeLimit="16Mi"), config, *bundle_volumes(bundle_of(service, canary=canary)), *secret)


def _resources(service: BestEffortService) -> Resources:
    """Return what the user asks for, else room for all the requests and answers that the queue may hold."""
    asked = service.spec.router.resources
    if asked.requests or asked.limits:
        return asked
    limit_mib = IDLE_MIB + math.ceil(2 * service.spec.router.queue.byte_count / (1 << 20))
    # No limit of CPU: the kernel's throttling would cost more time than a decision takes.
    return Resources(requests={"cpu": "250m", "memory": f"{IDLE_MIB // 2}Mi"}, limits={"memory": f"{limit_mib}Mi"})
