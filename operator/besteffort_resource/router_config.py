"""Pure: a service, its servers and what was measured -> the RouterConfig that a router reads.

What the resource says wins; a profile fills in what it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort.v1 import config_pb2
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import Profile
from besteffort_resource.servers import GRPC_PORT, METRICS_PORT, servers
from besteffort_resource.service import PolicyKind, PolicyMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService, Deadline, Policy, Queue
    from besteffort_resource.size import Size

__all__ = ["BackendAddress", "cluster_config", "router_config"]

KINDS = {
    PolicyKind.LEARNED: config_pb2.Policy.LEARNED,
    PolicyKind.DQN: config_pb2.Policy.DQN,
    PolicyKind.PRICE: config_pb2.Policy.PRICE,
    PolicyKind.GREEDY: config_pb2.Policy.GREEDY,
    PolicyKind.LADDER: config_pb2.Policy.LADDER,
    PolicyKind.STATIC: config_pb2.Policy.STATIC,
    PolicyKind.ROUND_ROBIN: config_pb2.Policy.ROUND_ROBIN,
    PolicyKind.LEAST_LOADED: config_pb2.Policy.LEAST_LOADED,
}
MODES = {PolicyMode.ENFORCE: config_pb2.Policy.ENFORCE, PolicyMode.SHADOW: config_pb2.Policy.SHADOW}


@dataclass(frozen=True)
class BackendAddress:
    """Where one Triton server answers, and which sizes it serves."""

    name: str
    """The replica, as clients see it in `bes-replica`."""
    address: str
    """host:port of its gRPC endpoint."""
    metrics_url: str
    """URL of its metrics; empty: none."""
    sizes: tuple[str, ...]
    device: str
    """Servers with one device share its compute."""
    resolve: bool = False
    """The host of the address is a DNS name, and each address of it is one server with a device of its own."""


def router_config(
    service: BestEffortService,
    backends: Sequence[BackendAddress],
    *,
    bundle_path: str = "",
    profiles: Mapping[str, Profile],
) -> config_pb2.RouterConfig:
    """Return what a router of the service must know; `profiles` holds measurements by the name of the size.

    Raises:
        ResourceError: a size has no quality or no latency, neither in the resource nor in its profile.
    """
    filled = [_filled(size, profiles.get(size.name, Profile())) for size in service.spec.sizes]
    if faults := [fault for i, size in enumerate(filled) for fault in _gaps(i, size)]:
        raise ResourceError(faults)
    return config_pb2.RouterConfig(
        model_name=service.model_name,
        deadline=_deadline(service.spec.deadline),
        tasks=service.spec.tasks,
        sizes=[_size(size, service.spec.tasks) for size in filled],
        backends=[_backend(backend) for backend in backends],
        policy=_policy(service.spec.policy, bundle_path),
        limits=_limits(service.spec.router.queue),
    )


def cluster_config(
    service: BestEffortService, namespace: str, *, bundle_path: str, profiles: Mapping[str, Profile]
) -> config_pb2.RouterConfig:
    """Return the same for a service in a cluster, where DNS tells which servers there are.

    Raises:
        ResourceError: a size has no quality or no latency, neither in the resource nor in its profile.
    """
    backends = [_headless(server, namespace) for server in servers(service)]
    return router_config(service, backends, bundle_path=bundle_path, profiles=profiles)


def _headless(server: Server, namespace: str) -> BackendAddress:
    host = f"{server.name}.{namespace}.svc"
    return BackendAddress(
        name=server.name,
        address=f"{host}:{GRPC_PORT}",
        metrics_url=f"http://{host}:{METRICS_PORT}/metrics",
        sizes=tuple(size.name for size in server.sizes),
        device="",
        resolve=True,
    )


def _filled(size: Size, profile: Profile) -> Size:
    """Return the size with the profile's values wherever it has none of its own."""
    quality = size.quality or profile.quality
    if size.quality and profile.quality:
        by_task = profile.quality.by_task | size.quality.by_task
        quality = size.quality.model_copy(update={"by_task": by_task})
    return size.model_copy(update={"quality": quality, "latency": size.latency or profile.latency})


def _gaps(i: int, size: Size) -> list[str]:
    return [
        f"spec.sizes[{i}].{field}: neither the resource nor a profile has it for {size.name}; "
        "run `besteffort calibrate`, or write it"
        for field, value in (("quality", size.quality), ("latency", size.latency))
        if not value
    ]


def _deadline(deadline: Deadline) -> config_pb2.Deadline:
    return config_pb2.Deadline(default_s=deadline.default_s, max_s=deadline.max_s, grace_factor=deadline.worth_factor)


def _size(size: Size, tasks: Sequence[str]) -> config_pb2.Size:
    assert size.quality
    by_task = size.quality.by_task
    return config_pb2.Size(
        name=size.name,
        model=size.triton_model,
        quality=float(size.quality.default),
        quality_by_task={task: float(by_task[task]) for task in tasks if task in by_task},
        latency=[config_pb2.BatchLatency(batch=p.batch, seconds=float(p.seconds)) for p in size.latency or ()],
        # Triton's vLLM backend, which serves what comes from the hub, answers through streams only.
        decoupled=size.model.hugging_face is not None,
    )


def _backend(backend: BackendAddress) -> config_pb2.Backend:
    return config_pb2.Backend(
        name=backend.name,
        address=backend.address,
        metrics_url=backend.metrics_url,
        sizes=backend.sizes,
        device=backend.device,
        resolve=backend.resolve,
    )


def _policy(policy: Policy, bundle_path: str) -> config_pb2.Policy:
    return config_pb2.Policy(
        kind=KINDS[policy.kind],
        mode=MODES[policy.mode],
        fallback=KINDS[policy.fallback],
        bundle_path=bundle_path,
        static_size=policy.static_size or "",
    )


def _limits(queue: Queue) -> config_pb2.Limits:
    return config_pb2.Limits(max_requests=queue.max_requests, max_bytes=queue.byte_count)
