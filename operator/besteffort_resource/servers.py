"""Which Triton Deployments a service has, and which sizes each of them serves. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_resource.names import triton_name

if TYPE_CHECKING:
    from besteffort_resource.capacity import Scaling
    from besteffort_resource.scheduling import Gpu, Scheduling
    from besteffort_resource.service import BestEffortService, Placement
    from besteffort_resource.size import Size

__all__ = ["GRPC_PORT", "HTTP_PORT", "METRICS_PORT", "Server", "longest_request_s", "servers", "worth_until_s"]

HTTP_PORT = 8000
GRPC_PORT = 8001
METRICS_PORT = 8002


@dataclass(frozen=True)
class Server:
    """One Triton Deployment: each of its replicas serves all of `sizes`."""

    name: str
    """Of the Deployment and of its headless Service."""
    sizes: tuple[Size, ...]
    only: str
    """The size that it is dedicated to; empty: it serves all."""
    host: Placement | Size
    """The block of the resource that says how it runs."""

    @property
    def scaling(self) -> Scaling | None:
        """Return how its replicas follow the load, if they do."""
        return self.host.scaling

    @property
    def gpu(self) -> Gpu | None:
        """Return the accelerators of each replica."""
        return self.host.gpu

    @property
    def scheduling(self) -> Scheduling | None:
        """Return what the scheduler must know."""
        return self.host.scheduling


def servers(service: BestEffortService) -> tuple[Server, ...]:
    """Return the Triton Deployments of a service, in the order of its sizes."""
    sizes = service.spec.sizes
    if service.colocated:
        return (Server(triton_name(service), sizes, only="", host=service.spec.placement),)
    return tuple(Server(triton_name(service, size.name), (size,), only=size.name, host=size) for size in sizes)


def worth_until_s(service: BestEffortService) -> float:
    """Return how long a request may be under way, in seconds: until its answer is worth nothing to anybody."""
    return service.spec.deadline.max_s * service.spec.deadline.worth_factor


def longest_request_s(service: BestEffortService) -> int:
    """As `worth_until_s`, in whole minutes: it is in the pods, and not every new deadline should replace them all."""
    return 60 * math.ceil(worth_until_s(service) / 60)
