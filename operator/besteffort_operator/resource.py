"""The BestEffortService resource as frozen pydantic models.

Shapes only (fields, forms, lengths), so that a structural CRD schema can be made from them; what fields say about
each other is in rules.py. Together with size.py the only place that knows the field names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from besteffort_operator import forms  # noqa: TC001  pydantic reads annotations at run time
from besteffort_operator.quantities import byte_count, duration_s
from besteffort_operator.size import Block, Replicas, Size

__all__ = [
    "BestEffortService",
    "Bundle",
    "ConfigMapRef",
    "Deadline",
    "DeadlineMode",
    "Metadata",
    "Placement",
    "PlacementMode",
    "Policy",
    "PolicyKind",
    "PolicyMode",
    "Queue",
    "Router",
    "RouterMode",
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


class PolicyKind(StrEnum):
    """How a size is chosen for a request."""

    LEARNED = "Learned"
    PRICE = "Price"
    GREEDY = "Greedy"
    LADDER = "Ladder"
    STATIC = "Static"
    ROUND_ROBIN = "RoundRobin"
    LEAST_LOADED = "LeastLoaded"


class PolicyMode(StrEnum):
    """Whether the policy rules."""

    ENFORCE = "Enforce"
    SHADOW = "Shadow"


class RouterMode(StrEnum):
    """Where the router runs."""

    GATEWAY = "Gateway"


class Metadata(BaseModel):
    """What Kubernetes knows every object by; only the name is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: forms.DnsLabel = Field(description="Name of the service.")


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


class Placement(Block):
    """Where the sizes run."""

    mode: PlacementMode = Field(
        default=PlacementMode.COLOCATED,
        description="Colocated: every replica, one Triton server, hosts all sizes. Dedicated: each size has its own.",
    )
    replicas: Replicas | None = Field(
        default=None, description="Triton servers, 1 when left out; Colocated only (Dedicated: sizes[].replicas)."
    )


class Triton(Block):
    """How every Triton server runs."""

    image: forms.Image | None = Field(
        default=None, description="Container image; the one that this version was tested with when left out."
    )


class ConfigMapRef(Block):
    """A key of a ConfigMap in the service's namespace."""

    name: forms.DnsName = Field(description="Name of the ConfigMap.")
    key: forms.ConfigMapKey = Field(description="Key in the ConfigMap.")


class Bundle(Block):
    """Where the policy bundle is: exactly one source."""

    path: forms.Path | None = Field(default=None, description="A file; a relative path starts at the resource's file.")
    config_map_ref: ConfigMapRef | None = Field(default=None, description="A key of a ConfigMap.")


class Policy(Block):
    """How a size is chosen for a request."""

    kind: PolicyKind = Field(default=PolicyKind.PRICE, description="The rule; Learned reads a policy bundle.")
    bundle: Bundle | None = Field(
        default=None,
        description="Where the policy bundle is: the network of Learned, the tuned numbers of Price and Ladder.",
    )
    mode: PolicyMode = Field(
        default=PolicyMode.ENFORCE, description="Enforce: kind rules. Shadow: kind is recorded, fallback rules."
    )
    fallback: PolicyKind = Field(
        default=PolicyKind.PRICE,
        description="Rules when the bundle is missing, refused, out of range or too slow; any kind but Learned.",
    )
    static_size: forms.DnsLabel | None = Field(
        default=None, description="The size that Static uses; only where kind or fallback is Static."
    )


class Queue(Block):
    """How much may be in one router at once; more is refused at once, with a clear status."""

    max_requests: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(default=512, description="Requests.")
    max_bytes: forms.Bytes = Field(default="64Mi", description="Bytes of requests.")

    @property
    def byte_count(self) -> int:
        """Return the bound in bytes."""
        return byte_count(self.max_bytes)


class Router(Block):
    """How the router runs."""

    mode: RouterMode = Field(default=RouterMode.GATEWAY, description="Gateway: a service of its own.")
    replicas: Replicas = Field(default=1, description="Routers.")
    queue: Queue = Field(default=Queue(), description="How much may be in one router at once.")


class Spec(Block):
    """What is wanted."""

    model_name: forms.ModelName | None = Field(
        default=None, description="What clients send as model name; metadata.name when left out."
    )
    deadline: Deadline = Field(default=Deadline(), description="By when an answer is wanted.")
    tasks: tuple[forms.TaskName, ...] = Field(
        default=(), max_length=32, description='Closed list of tasks; a request with any other counts as "other".'
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

    @property
    def model_name(self) -> str:
        """Return the model name that clients send."""
        return self.spec.model_name or self.metadata.name

    def replicas_of(self, size: Size) -> int:
        """Return how many Triton servers host a size."""
        colocated = self.spec.placement.mode is PlacementMode.COLOCATED
        return (self.spec.placement.replicas if colocated else size.replicas) or 1
