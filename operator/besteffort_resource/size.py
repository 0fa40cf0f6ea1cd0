"""One size of a model as frozen pydantic models: its source, its quality and its latency. Shapes only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from besteffort_resource import forms
from besteffort_resource.block import Block, CoreObject, Replicas
from besteffort_resource.capacity import Scaling
from besteffort_resource.containers import SecretRef
from besteffort_resource.scheduling import Gpu, Scheduling

__all__ = [
    "BatchLatency",
    "HuggingFace",
    "Latency",
    "Model",
    "Quality",
    "Repository",
    "Size",
]


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
        description="On a cluster s3://, gs:// or as:// (Triton reads it itself), pvc://CLAIM/PATH, oci://IMAGE (from "
        "Kubernetes 1.35 on, before with its feature gate ImageVolume) or file:// (a folder in Triton's image). For "
        "`besteffort up` a folder, a relative one beside the resource's file."
    )
    name: forms.ModelName = Field(description="The model's name in the repository.")


class HuggingFace(Block):
    """A model on the Hugging Face hub."""

    id: forms.HubId = Field(description="Identity of the model on the hub.")
    revision: forms.Revision = Field(description="Commit, tag or branch; with a commit, what was measured stays true.")
    engine_args: CoreObject = Field(
        default={}, max_length=32, description="Engine arguments of vLLM by name, such as gpu_memory_utilization: 0.5."
    )
    token_secret_ref: SecretRef | None = Field(
        default=None, description="A key of a Secret with the hub's token; none when left out."
    )


class Model(Block):
    """Where a size's model comes from: exactly one source."""

    repository: Repository | None = Field(default=None, description="A ready Triton model repository.")
    hugging_face: HuggingFace | None = Field(default=None, description="A model on the Hugging Face hub.")


class Size(Block):
    """One size of the model."""

    name: forms.SizeName = Field(description="Name of the size, as clients see it in `bes-size`.")
    quality: Quality | None = Field(
        default=None, description="How often it is right; from the profile of `besteffort calibrate` when left out."
    )
    latency: Latency | None = Field(
        default=None,
        description="What batches take, by ascending batch, the largest batch last; from the profile when left out.",
    )
    model: Model = Field(description="Where the model comes from: exactly one source.")
    gpu: Gpu | None = Field(
        default=None, description="Accelerators of each server; none when left out. Dedicated only."
    )
    scheduling: Scheduling | None = Field(
        default=None, description="Which nodes its servers run on; any when left out. Dedicated only."
    )
    replicas: Replicas | None = Field(
        default=None, description="Triton servers of this size, 1 when left out; not with scaling. Dedicated only."
    )
    scaling: Scaling | None = Field(
        default=None, description="A number of servers that follows the load; not with replicas. Dedicated only."
    )

    @property
    def triton_model(self) -> str:
        """Return the name of the model inside Triton."""
        return self.model.repository.name if self.model.repository else self.name
