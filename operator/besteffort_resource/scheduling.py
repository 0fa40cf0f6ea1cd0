"""Which nodes Triton servers run on, as frozen pydantic models: accelerators, and what the scheduler must know."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from besteffort_resource import forms
from besteffort_resource.block import Block, CoreObject

__all__ = ["Gpu", "Scheduling"]


class Gpu(Block):
    """The accelerators that each server asks for."""

    resource: forms.ResourceName = Field(
        default="nvidia.com/gpu", description="Name of the resource in Kubernetes; a slice of MIG has its own name."
    )
    count: Annotated[int, Field(strict=True, ge=1, le=16)] = Field(default=1, description="How many.")
    product: forms.LabelValue | None = Field(
        default=None, description="Only nodes with this label nvidia.com/gpu.product; any when left out."
    )


class Scheduling(Block):
    """What the scheduler of Kubernetes must know beyond the accelerators."""

    node_selector: dict[str, forms.NodeLabel] = Field(
        default={}, max_length=16, description="Labels that a node must have."
    )
    tolerations: tuple[CoreObject, ...] = Field(
        default=(), max_length=16, description="Taints of nodes that are no hindrance, as in a pod."
    )
    affinity: CoreObject | None = Field(default=None, description="Affinity, as in a pod.")
    priority_class_name: forms.DnsName | None = Field(default=None, description="PriorityClass of the pods.")
    runtime_class_name: forms.DnsName | None = Field(default=None, description="RuntimeClass of the pods.")
    topology_spread_constraints: tuple[CoreObject, ...] = Field(
        default=(),
        max_length=8,
        description="How pods spread over nodes, as in a pod; over hosts when left out. One without labelSelector "
        "counts the server's own pods.",
    )
