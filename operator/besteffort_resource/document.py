"""Read a BestEffortService from a file, from YAML text, or from the plain mapping that an API returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from besteffort_resource.errors import ResourceError
from besteffort_resource.rules import broken_rules
from besteffort_resource.sentences import sentences_of
from besteffort_resource.service import BestEffortService
from besteffort_resource.strict_yaml import mapping_from_yaml, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["block_from_mapping", "load_service", "service_from_mapping", "service_from_yaml"]

AnyBlock = TypeVar("AnyBlock", bound=BaseModel)


def load_service(path: Path) -> BestEffortService:
    """Read a service from a YAML file.

    Raises:
        ResourceError: one sentence for each fault.
    """
    return service_from_yaml(read_text(path))


def service_from_yaml(text: str) -> BestEffortService:
    """Read a service from YAML text.

    Raises:
        ResourceError: one sentence for each fault.
    """
    return service_from_mapping(mapping_from_yaml(text))


def service_from_mapping(found: Mapping[str, Any]) -> BestEffortService:
    """Read a service from plain values.

    Raises:
        ResourceError: one sentence for each fault; faults between fields only once every field is well formed.
    """
    service = block_from_mapping(BestEffortService, found)
    if faults := broken_rules(service.spec):
        raise ResourceError(faults)
    return service


def block_from_mapping(block: type[AnyBlock], found: Mapping[str, Any]) -> AnyBlock:
    """Read any block from plain values, field by field.

    Raises:
        ResourceError: one sentence for each fault.
    """
    try:
        return block.model_validate(found, by_alias=True, by_name=False)
    except ValidationError as error:
        faults = sentences_of(error, block)
        # Of another kind of object the kind is the fault, not each of its fields.
        foreign = [fault for fault in faults if fault.startswith(("apiVersion:", "kind:"))]
        raise ResourceError(foreign or faults) from error
