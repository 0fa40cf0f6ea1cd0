"""How a size is chosen for a request, as frozen pydantic models: the rule, its bundle and its canary. Shapes only."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from besteffort_resource import forms
from besteffort_resource.block import Block, Replicas
from besteffort_resource.containers import ConfigMapRef

__all__ = ["NETWORKS", "Bundle", "Canary", "ClaimFile", "ImageFile", "Policy", "PolicyKind", "PolicyMode"]


class PolicyKind(StrEnum):
    """How a size is chosen for a request."""

    LEARNED = "Learned"
    DQN = "DQN"
    PRICE = "Price"
    GREEDY = "Greedy"
    LADDER = "Ladder"
    STATIC = "Static"
    ROUND_ROBIN = "RoundRobin"
    LEAST_LOADED = "LeastLoaded"


NETWORKS = (PolicyKind.LEARNED, PolicyKind.DQN)
"""The kinds that a network decides for; a rule stands behind each."""


class PolicyMode(StrEnum):
    """Whether the policy rules."""

    ENFORCE = "Enforce"
    SHADOW = "Shadow"


class ClaimFile(Block):
    """A file on a volume."""

    claim_name: forms.DnsName = Field(description="Name of the PersistentVolumeClaim.")
    path: forms.InnerPath = Field(description="Path of the file on the volume.")


class ImageFile(Block):
    """A file in a container image, mounted as an image volume."""

    image: forms.Image = Field(description="The image.")
    path: forms.InnerPath = Field(description="Path of the file in the image.")


class Bundle(Block):
    """Where the policy bundle is: exactly one source."""

    path: forms.Path | None = Field(
        default=None,
        description="A file, a relative one beside the resource's file. For `besteffort up` only, not on a cluster.",
    )
    config_map_ref: ConfigMapRef | None = Field(default=None, description="A key of a ConfigMap.")
    pvc: ClaimFile | None = Field(default=None, description="A file on a volume.")
    oci: ImageFile | None = Field(
        default=None,
        description="A file in a container image; from Kubernetes 1.35 on, before with its feature gate ImageVolume.",
    )


class Canary(Block):
    """A bundle that some of the routers use before all of them do."""

    bundle: Bundle = Field(description="Where the new bundle is: exactly one source.")
    replicas: Replicas = Field(default=1, description="Routers that use it, out of all routers.")


class Policy(Block):
    """How a size is chosen for a request."""

    kind: PolicyKind = Field(default=PolicyKind.LEARNED, description="The rule; DQN needs a policy bundle.")
    bundle: Bundle | None = Field(
        default=None,
        description="Where the policy bundle is: the network of Learned or DQN, the tuned numbers of Price and Ladder. "
        "Without one Learned, Price and Ladder decide by built-in numbers.",
    )
    mode: PolicyMode = Field(
        default=PolicyMode.ENFORCE, description="Enforce: kind rules. Shadow: kind is recorded, fallback rules."
    )
    fallback: PolicyKind = Field(
        default=PolicyKind.PRICE,
        description="Rules when the bundle is missing or refused, decisions are slow, metrics are old, or a DQN is "
        "out of its range; neither Learned nor DQN.",
    )
    static_size: forms.SizeName | None = Field(
        default=None, description="The size that Static uses; only where kind or fallback is Static."
    )
    canary: Canary | None = Field(
        default=None, description="A bundle that some of the routers try; take it out to roll back."
    )
