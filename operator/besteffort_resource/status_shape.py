"""The status of the resource as pydantic models, for the schema that the API server keeps. Shapes only.

status.py writes it; nothing reads it but people and what waits for conditions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from besteffort_resource.block import Block

__all__ = ["Status"]

Count = Annotated[int, Field(ge=0, le=65_536)]
Generation = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class ConditionShape(Block):
    """One aspect of the service, and why it is as it is."""

    type: Annotated[str, Field(max_length=316)] = Field(description="Name of the aspect, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: Generation | None = Field(
        default=None, description="Generation of the resource that this was found for."
    )
    last_transition_time: datetime = Field(description="When status changed last.")
    reason: Annotated[str, Field(max_length=1024)] = Field(
        description="Why, in one word; the table in docs/troubleshooting.md says what to do."
    )
    message: Annotated[str, Field(max_length=32768)] = Field(description="Why, in a sentence.")


class SizeShape(Block):
    """The servers of one size."""

    name: str = Field(description="Name of the size.")
    ready: Count = Field(description="Servers that answer for it.")
    wanted: Count = Field(description="Servers that there shall be.")
    message: str | None = Field(default=None, description="What is missing; empty if nothing is.")


class PolicyShape(Block):
    """The policy that the routers run."""

    kind: str | None = Field(default=None, description="The rule that they decide by.")
    mode: str | None = Field(default=None, description="Enforce or Shadow.")
    digest: str | None = Field(default=None, description="Digest of the bundle that they loaded; empty without one.")
    loaded_at: datetime | None = Field(default=None, description="When the last of them loaded it.")
    routers: str | None = Field(default=None, description="How many of them run it, of all that answer, such as 2/2.")


class ScalingShape(Block):
    """What the number of servers of one Deployment follows."""

    deployment: str = Field(description="Name of the Deployment.")
    replicas: Count | None = Field(default=None, description="Servers that there are.")
    wanted: Count | None = Field(default=None, description="Servers that there shall be.")
    reason: str | None = Field(default=None, description="Why, in a sentence.")


class Status(Block):
    """What is; written by the operator."""

    observed_generation: Generation | None = Field(
        default=None, description="Generation of the resource that the operator acted on last."
    )
    url: str | None = Field(default=None, description="Where clients call, host:port.")
    sizes_ready: str | None = Field(default=None, description="How many sizes are ready, of all, such as 3/3.")
    conditions: tuple[ConditionShape, ...] = Field(
        default=(),
        max_length=16,
        description="Ready, SizesAvailable, AllSizesReady, RouterReady, PolicyLoaded, ScalingReady, Progressing and "
        "Degraded, each with a reason.",
    )
    sizes: tuple[SizeShape, ...] = Field(default=(), max_length=8, description="The servers of each size.")
    policy: PolicyShape | None = Field(default=None, description="The policy that the routers run.")
    scaling: tuple[ScalingShape, ...] = Field(
        default=(), max_length=9, description="What the numbers of servers follow, where they are not fixed."
    )
