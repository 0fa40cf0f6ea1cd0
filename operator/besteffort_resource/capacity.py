"""How many servers run, as frozen pydantic models: between which numbers, and who changes them. Shapes only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from besteffort_resource import forms
from besteffort_resource.block import Block, Replicas
from besteffort_resource.quantities import duration_s

__all__ = ["RouterScaling", "Scaling", "ScalingEngine", "ScalingTarget"]


class ScalingEngine(StrEnum):
    """Who writes the number of servers."""

    OPERATOR = "Operator"
    HPA = "HPA"
    KEDA = "KEDA"


class ScalingTarget(Block):
    """What the number of servers is held to."""

    backlog: forms.Duration = Field(default="150ms", description="Work that waits for each server, as time.")

    @property
    def backlog_s(self) -> float:
        """Return the backlog in seconds."""
        return duration_s(self.backlog)


class Scaling(Block):
    """A number of Triton servers that follows the load."""

    min_replicas: Replicas = Field(default=1, description="No fewer servers than this.")
    max_replicas: Replicas = Field(description="No more servers than this.")
    target: ScalingTarget = Field(default=ScalingTarget(), description="What the number of servers is held to.")
    engine: ScalingEngine = Field(
        default=ScalingEngine.OPERATOR,
        description="Who scales. Operator: needs no add-on. HPA: needs an adapter for the routers' metrics. "
        "KEDA: needs KEDA.",
    )
    scale_down_delay: forms.Duration = Field(
        default="5m", description="For so long fewer servers must have been enough before one goes."
    )
    prometheus_address: forms.WebAddress | None = Field(
        default=None, description="Prometheus that KEDA asks; without it KEDA asks the routers themselves. KEDA only."
    )

    @property
    def scale_down_delay_s(self) -> float:
        """Return the delay in seconds."""
        return duration_s(self.scale_down_delay)


class RouterScaling(Block):
    """A number of routers that follows their use of the CPU, by a HorizontalPodAutoscaler."""

    min_replicas: Replicas = Field(default=1, description="No fewer routers than this.")
    max_replicas: Replicas = Field(description="No more routers than this.")
    cpu_percent: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        default=70, description="CPU that a router uses on average, in percent of what it requests."
    )
