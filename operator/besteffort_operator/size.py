"""One size of a model as frozen pydantic models: its source, its quality and its latency. Shapes only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from besteffort_operator import forms  # noqa: TC001  pydantic reads annotations at run time

__all__ = [
    "BatchLatency",
    "Block",
    "Gpu",
    "HuggingFace",
    "Latency",
    "Model",
    "Quality",
    "Replicas",
    "Repository",
    "Size",
]

Replicas = Annotated[int, Field(strict=True, ge=1, le=64)]


class Block(BaseModel):
    """A block of known fields, camelCase in YAML and frozen in Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=True
    )


class Quality(Block):
    """How often a size is right, as `besteffort calibrate` measures it."""

    default: forms.Share = Field(description="Expected share of right answers over all tasks.")
    by_task: dict[str, forms.Share] = Field(
        default={}, max_length=32, description="The same for single tasks; each key is one of spec.tasks."
    )


class BatchLatency(Block):
    """What one batch takes."""

    batch: Annotated[int, Field(strict=True, ge=1, le=4096)] = Field(description="Requests in the batch.")
    seconds: forms.Seconds = Field(description="Seconds that the batch takes, alone on its device.")


Latency = Annotated[tuple[BatchLatency, ...], Field(min_length=1, max_length=64)]


class Repository(Block):
    """A ready Triton model repository."""

    uri: forms.Uri = Field(
        description="A folder (a relative one starts at the resource's file), or a URI that Triton reads itself."
    )
    name: forms.ModelName = Field(description="The model's name in the repository.")


class HuggingFace(Block):
    """A model on the Hugging Face hub."""

    id: forms.HubId = Field(description="Identity of the model on the hub.")
    revision: forms.Revision = Field(description="Commit, tag or branch; with a commit, what was measured stays true.")


class Model(Block):
    """Where a size's model comes from: exactly one source."""

    repository: Repository | None = Field(default=None, description="A ready Triton model repository.")
    hugging_face: HuggingFace | None = Field(default=None, description="A model on the Hugging Face hub.")


class Gpu(Block):
    """The accelerators that each server of a size asks for."""

    resource: forms.ResourceName = Field(default="nvidia.com/gpu", description="Name of the resource in Kubernetes.")
    count: Annotated[int, Field(strict=True, ge=1, le=16)] = Field(default=1, description="How many.")
    product: forms.LabelValue | None = Field(default=None, description="Only this product; any when left out.")


class Size(Block):
    """One size of the model."""

    name: forms.DnsLabel = Field(description="Name of the size, as clients see it in `bes-size`.")
    quality: Quality | None = Field(
        default=None, description="How often it is right; from the profile of `besteffort calibrate` when left out."
    )
    latency: Latency | None = Field(
        default=None,
        description="What batches take, by ascending batch, the largest batch last; from the profile when left out.",
    )
    model: Model = Field(description="Where the model comes from: exactly one source.")
    gpu: Gpu | None = Field(default=None, description="Accelerators of each server; none when left out.")
    replicas: Replicas | None = Field(
        default=None, description="Triton servers of this size, 1 when left out; Dedicated only."
    )

    @property
    def triton_model(self) -> str:
        """Return the name of the model inside Triton."""
        return self.model.repository.name if self.model.repository else self.name
