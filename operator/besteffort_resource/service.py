"""The BestEffortService resource as frozen pydantic models.

Shapes only (fields, forms, lengths), so that a structural CRD schema can be made from them; what fields say about
each other is in rules.py. Together with the modules of its blocks the only place that knows the field names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from besteffort_resource import forms
from besteffort_resource.block import Block, CoreObject, Replicas
from besteffort_resource.capacity import RouterScaling, Scaling, ScalingEngine
from besteffort_resource.containers import ConfigMapRef, Resources
from besteffort_resource.policy import Bundle, Policy, PolicyKind, PolicyMode
from besteffort_resource.quantities import byte_count, duration_s
from besteffort_resource.scheduling import Gpu, Scheduling
from besteffort_resource.size import Size
from besteffort_resource.triton import Triton

__all__ = [
    "BestEffortService",
    "Bundle",
    "Deadline",
    "DeadlineMode",
    "Metadata",
    "Placement",
    "PlacementMode",
    "Policy",
    "PolicyKind",
    "PolicyMode",
    "ProfileSource",
    "Queue",
    "Router",
    "RouterMode",
    "RouterTls",
    "ScalingEngine",
    "Spec",
    "Triton",
]


class DeadlineMode(StrEnum):
    """What a late answer is worth."""

    HARD = "Hard"
    SOFT = "Soft"


class PlacementMode(StrEnum):
    """How sizes are spread over Triton servers."""

    COLOCATED = "Colocated"
    DEDICATED = "Dedicated"


class RouterMode(StrEnum):
    """Where the router runs."""

    GATEWAY = "Gateway"
    SIDECAR = "Sidecar"


class Metadata(BaseModel):
    """What Kubernetes knows every object by; only the name is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: forms.ServiceName = Field(description="Name of the service.")


class Deadline(Block):
    """By when an answer is wanted."""

    default: forms.Duration = Field(default="300ms", description="For a request that brings no deadline.")
    max: forms.Duration = Field(default="10s", description="A longer deadline of a request is cut to it.")
    mode: DeadlineMode = Field(
        default=DeadlineMode.HARD,
        description="Hard: late is worth nothing. Soft: worth falls linearly to 0 at graceFactor x deadline.",
    )
    grace_factor: forms.Factor = Field(
        default="2", description="Where worth ends, in deadlines; read in mode Soft only."
    )

    @property
    def default_s(self) -> float:
        """Return the default in seconds."""
        return duration_s(self.default)

    @property
    def max_s(self) -> float:
        """Return the longest deadline in seconds."""
        return duration_s(self.max)

    @property
    def worth_factor(self) -> float:
        """Return where worth ends, in deadlines: 1 where late is worth nothing."""
        return 1.0 if self.mode is DeadlineMode.HARD else float(self.grace_factor)


class Placement(Block):
    """Where the sizes run."""

    mode: PlacementMode = Field(
        default=PlacementMode.COLOCATED,
        description="Colocated: every replica, one Triton server, hosts all sizes. Dedicated: each size has its own.",
    )
    replicas: Replicas | None = Field(
        default=None,
        description="Triton servers, 1 when left out; not with scaling. Colocated only (Dedicated: sizes[].replicas).",
    )
    scaling: Scaling | None = Field(
        default=None,
        description="A number of servers that follows the load; not with replicas. Colocated only (Dedicated: "
        "sizes[].scaling).",
    )
    gpu: Gpu | None = Field(
        default=None,
        description="Accelerators of each server; none when left out. Colocated only (Dedicated: sizes[].gpu).",
    )
    scheduling: Scheduling | None = Field(
        default=None,
        description="Which nodes servers run on; any when left out. Colocated only (Dedicated: sizes[].scheduling).",
    )


class ProfileSource(Block):
    """Where the measurements of `besteffort calibrate` are."""

    config_map_ref: ConfigMapRef = Field(description="A key of a ConfigMap with the profile file.")


class Queue(Block):
    """How much may be in one router at once; more is refused at once, with a clear status."""

    max_requests: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(default=512, description="Requests.")
    max_bytes: forms.Bytes = Field(default="64Mi", description="Bytes of requests.")

    @property
    def byte_count(self) -> int:
        """Return the bound in bytes."""
        return byte_count(self.max_bytes)


class RouterTls(Block):
    """The certificate that the router shows its clients."""

    secret_name: forms.DnsName = Field(description="Name of a Secret of type kubernetes.io/tls.")


class Router(Block):
    """How the router runs."""

    mode: RouterMode = Field(
        default=RouterMode.GATEWAY,
        description="Gateway: a service of its own. Sidecar: a container in each client pod that asks for it.",
    )
    replicas: Replicas | None = Field(
        default=None, description="Routers, 1 when left out; not with scaling. Gateway only."
    )
    scaling: RouterScaling | None = Field(
        default=None, description="A number of routers that follows their load; not with replicas. Gateway only."
    )
    queue: Queue = Field(default=Queue(), description="How much may be in one router at once.")
    image: forms.Image | None = Field(default=None, description="Container image; the operator's own when left out.")
    resources: Resources = Field(default=Resources(), description="CPU and memory of the container.")
    drain: forms.Duration = Field(
        default="10s", description="For so long a router that must go still answers, while clients turn away from it."
    )
    tls: RouterTls | None = Field(default=None, description="TLS for clients; none when left out. Gateway only.")
    pod_template: CoreObject | None = Field(
        default=None,
        description="Laid over the pods' template, as in a Deployment; lists merge by name. Gateway only.",
    )

    @property
    def drain_s(self) -> float:
        """Return the time to drain in seconds."""
        return duration_s(self.drain)


class Spec(Block):
    """What is wanted."""

    model_name: forms.ModelName | None = Field(
        default=None, description="What clients send as model name; metadata.name when left out."
    )
    deadline: Deadline = Field(default=Deadline(), description="By when an answer is wanted.")
    tasks: tuple[forms.TaskName, ...] = Field(
        default=(), max_length=32, description='Closed list of tasks; a request with any other counts as "other".'
    )
    profile: ProfileSource | None = Field(
        default=None, description="Measurements that fill in the quality and latency that sizes leave out."
    )
    placement: Placement = Field(default=Placement(), description="Where the sizes run.")
    sizes: tuple[Size, ...] = Field(min_length=1, max_length=8, description="The sizes of the model, in any order.")
    triton: Triton = Field(default=Triton(), description="How every Triton server runs.")
    policy: Policy = Field(default=Policy(), description="How a size is chosen for a request.")
    router: Router = Field(default=Router(), description="How the router runs.")


class BestEffortService(Block):
    """Several sizes of a model behind one endpoint."""

    api_version: Literal["serving.besteffort.dev/v1alpha1"] = Field(description="Group and version of the resource.")
    kind: Literal["BestEffortService"] = Field(description="Kind of the resource.")
    metadata: Metadata = Field(description="What Kubernetes knows every object by; only the name is read.")
    spec: Spec = Field(description="What is wanted.")
    status: CoreObject | None = Field(default=None, description="What is; written by the operator, never read.")

    @property
    def model_name(self) -> str:
        """Return the model name that clients send."""
        return self.spec.model_name or self.metadata.name

    @property
    def colocated(self) -> bool:
        """Return whether every Triton server hosts all sizes."""
        return self.spec.placement.mode is PlacementMode.COLOCATED

    def host_of(self, size: Size) -> Placement | Size:
        """Return the block that says how the servers of a size run: replicas, scaling, gpu and scheduling."""
        return self.spec.placement if self.colocated else size

    def replicas_of(self, size: Size) -> int:
        """Return how many Triton servers host a size; the fewest where the number follows the load."""
        host = self.host_of(size)
        return host.scaling.min_replicas if host.scaling else host.replicas or 1
