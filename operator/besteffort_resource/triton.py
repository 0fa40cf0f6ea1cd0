"""How every Triton server runs, as frozen pydantic models. Shapes only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from besteffort_resource import forms
from besteffort_resource.block import Block, CoreObject
from besteffort_resource.containers import EnvironmentVariable, Resources
from besteffort_resource.quantities import duration_s

__all__ = ["Cache", "Triton"]


class Cache(Block):
    """A volume that keeps downloaded models, shared by all servers of the service."""

    size: forms.Quantity = Field(description="How large the volume is.")
    storage_class_name: forms.DnsName | None = Field(
        default=None, description="StorageClass of the volume; the cluster's default when left out."
    )


class Triton(Block):
    """How every Triton server runs."""

    image: forms.Image | None = Field(
        default=None, description="Container image; the one that this version was tested with when left out."
    )
    args: tuple[forms.Argument, ...] = Field(
        default=(), max_length=32, description="More arguments of tritonserver, beside those that the operator sets."
    )
    env: tuple[EnvironmentVariable, ...] = Field(
        default=(), max_length=32, description="Environment variables of the container."
    )
    resources: Resources = Field(
        default=Resources(), description="CPU and memory of the container; accelerators stand under gpu."
    )
    startup_timeout: forms.Duration = Field(
        default="10m", description="For so long a server may load its models before it is started anew."
    )
    shared_memory: forms.Quantity = Field(default="1Gi", description="Size of /dev/shm.")
    max_surge: Annotated[int, Field(strict=True, ge=0, le=64)] = Field(
        default=0, description="Servers above the wanted number during a rolling change; 0 needs no more accelerators."
    )
    drain: forms.Duration = Field(
        default="35s", description="For so long a server that must go still answers, while routers turn away from it."
    )
    cache: Cache | None = Field(
        default=None, description="A volume that keeps downloaded models; each pod downloads them anew when left out."
    )
    pod_template: CoreObject | None = Field(
        default=None, description="Laid over the pods' template, as in a Deployment; lists merge by name."
    )

    @property
    def startup_timeout_s(self) -> float:
        """Return the time to load models in seconds."""
        return duration_s(self.startup_timeout)

    @property
    def drain_s(self) -> float:
        """Return the time to drain in seconds."""
        return duration_s(self.drain)
