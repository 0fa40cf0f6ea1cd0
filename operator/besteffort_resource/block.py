"""What the resource is made of: blocks of known fields, and objects of Kubernetes that are passed on as they are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["Block", "CoreObject", "Replicas"]

Replicas = Annotated[int, Field(strict=True, ge=1, le=64)]

CoreObject = Annotated[
    dict[str, Any], Field(max_length=64, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]
"""A block with the fields of core/v1: the API server checks it where it lands, in a pod."""


class Block(BaseModel):
    """A block of known fields, camelCase in YAML and frozen in Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=True
    )
