"""Triton's Deployments and the headless Services that routers find their pods by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from besteffort_operator.manifests.hugging_face import cache_volume, hub_environment, hub_sizes, model_files
from besteffort_operator.manifests.metadata import Component, child, labels, selector
from besteffort_operator.manifests.placement import placement, resources
from besteffort_operator.manifests.pod import RESTRICTED, Volume, http_probe, pod_template, scratch, sleep_before_stop
from besteffort_operator.manifests.replicas import triton_replicas
from besteffort_operator.manifests.repository import repositories
from besteffort_resource.names import triton_name
from besteffort_resource.servers import GRPC_PORT, HTTP_PORT, METRICS_PORT, longest_request_s

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_operator.manifests.repository import Repositories
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["IMAGE", "VLLM_IMAGE", "triton_deployment", "triton_service"]

IMAGE = "nvcr.io/nvidia/tritonserver:24.10-py3"
VLLM_IMAGE = "nvcr.io/nvidia/tritonserver:24.10-vllm-python-py3"
STARTUP_PERIOD_S = 2
STOP_MARGIN_S = 15
"""To unload models once the last request is answered."""
PULL_S = 1200
"""To pull an image of many gigabytes onto a new node."""


def triton_deployment(service: BestEffortService, context: Context, server: Server) -> Manifest:
    """Return the Deployment of one server."""
    triton = service.spec.triton
    selects = selector(service, Component.TRITON, server.only)
    spec: Manifest = {
        **triton_replicas(server, context),
        "selector": {"matchLabels": selects},
        "strategy": _strategy(triton.max_surge),
        "progressDeadlineSeconds": PULL_S + math.ceil(triton.startup_timeout_s) + _grace_s(service),
        "revisionHistoryLimit": 3,
        "template": _template(service, server, selects),
    }
    return child(service, context, "apps/v1/Deployment", server.name, Component.TRITON, size=server.only, spec=spec)


def triton_service(service: BestEffortService, context: Context, server: Server) -> Manifest:
    """Return the headless Service of one server: DNS lists each ready pod that is not about to stop."""
    ports = [("http", HTTP_PORT), ("grpc", GRPC_PORT), ("metrics", METRICS_PORT)]
    spec = {
        "clusterIP": "None",
        "selector": selector(service, Component.TRITON, server.only),
        "ports": [{"name": name, "port": port, "protocol": "TCP", "targetPort": name} for name, port in ports],
    }
    return child(service, context, "v1/Service", server.name, Component.TRITON, size=server.only, spec=spec)


def _template(service: BestEffortService, server: Server, selects: dict[str, str]) -> Manifest:
    found = repositories(server)
    volumes = _volumes(service, server, found)
    spec = {
        "serviceAccountName": triton_name(service),
        "terminationGracePeriodSeconds": _grace_s(service),
        **placement(server.gpu, server.scheduling, selects),
        "containers": [_container(service, server, found, volumes)],
    }
    return pod_template(
        labels(service, Component.TRITON, server.only),
        model_files(server),
        spec,
        volumes=volumes,
        overlay=service.spec.triton.pod_template,
    )


def _container(
    service: BestEffortService, server: Server, found: Repositories, volumes: tuple[Volume, ...]
) -> Manifest:
    triton = service.spec.triton
    return {
        "name": "triton",
        "image": triton.image or (VLLM_IMAGE if hub_sizes(server.sizes) else IMAGE),
        # Not `command`: NVIDIA's entry point looks for the driver's compatibility libraries first.
        "args": _arguments(service, server, found),
        "env": _environment(service, server),
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": resources(triton.resources, server.gpu),
        **_probes(triton.startup_timeout_s),
        "lifecycle": sleep_before_stop(triton.drain_s),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": RESTRICTED,
        "volumeMounts": [volume.mount for volume in volumes],
    }


def _arguments(service: BestEffortService, server: Server, found: Repositories) -> list[str]:
    return [
        "tritonserver",
        *(f"--model-repository={path}" for path in found.paths),
        # Only what is listed is loaded, whatever else the repository holds.
        "--model-control-mode=explicit",
        *(f"--load-model={size.triton_model}" for size in server.sizes),
        f"--http-port={HTTP_PORT}",
        f"--grpc-port={GRPC_PORT}",
        f"--metrics-port={METRICS_PORT}",
        f"--exit-timeout-secs={longest_request_s(service)}",
        *service.spec.triton.args,
    ]


def _environment(service: BestEffortService, server: Server) -> list[Manifest]:
    """Return the user's variables behind the operator's: the later one of two holds."""
    # Python backends write below the home directory, and the root is read-only.
    own = [{"name": "HOME", "value": "/tmp"}, *hub_environment(server)]  # noqa: S108  its own in each pod
    users = [variable.model_dump(by_alias=True, exclude_none=True) for variable in service.spec.triton.env]
    named = {variable["name"] for variable in users}
    return [variable for variable in own if variable["name"] not in named] + users


def _volumes(service: BestEffortService, server: Server, found: Repositories) -> tuple[Volume, ...]:
    # Python backends exchange tensors through it; a container has 64 MiB otherwise.
    limit = service.spec.triton.shared_memory
    memory: Manifest = {"emptyDir": {"medium": "Memory", "sizeLimit": limit}}
    cache = (cache_volume(service),) if hub_sizes(server.sizes) else ()
    return (scratch(), Volume("shared-memory", memory, "/dev/shm", read_only=False), *found.volumes, *cache)  # noqa: S108


def _probes(startup_timeout_s: float) -> Manifest:
    failures = max(1, math.ceil(startup_timeout_s / STARTUP_PERIOD_S))
    return {
        # Triton opens its ports once all models are loaded.
        "startupProbe": http_probe("/v2/health/ready", "http", period_s=STARTUP_PERIOD_S, failures=failures),
        "readinessProbe": http_probe("/v2/health/ready", "http", period_s=5, failures=3),
        # Far slower than readiness: a server under full load must not be killed for it.
        "livenessProbe": http_probe("/v2/health/live", "http", period_s=10, failures=6, timeout_s=5),
    }


def _strategy(max_surge: int) -> Manifest:
    """Return how pods are replaced: with a spare accelerator none goes before its successor is ready."""
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": max_surge, "maxUnavailable": 0 if max_surge else 1}}


def _grace_s(service: BestEffortService) -> int:
    """Return the time from a pod's deletion to its end: routers turn away, the last requests end, models unload."""
    return math.ceil(service.spec.triton.drain_s) + longest_request_s(service) + STOP_MARGIN_S
