"""Look things up in the JSON schema of a pydantic model: what stands at a place, and every field in order.

Errors, the reference page and the CRD read the models through this one door, so that they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

__all__ = ["Place", "fields", "root_of"]


@dataclass(frozen=True)
class Place:
    """One place of a schema: its resolved node, and the root that references point into."""

    root: Mapping[str, Any]
    node: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the fields here; none for anything but a block."""
        return tuple(self.node.get("properties", ()))

    def child(self, step: str | int) -> Place | None:
        """Return the place one step down (a field, a key or an index), or None where nothing is known."""
        node = self.node.get("items") if isinstance(step, int) else self.node.get("properties", {}).get(step)
        if node is None and isinstance(step, str):
            node = self.node.get("additionalProperties")
        # True of an object of Kubernetes, False of a block of known fields.
        return None if node is None or isinstance(node, bool) else Place(self.root, _resolved(self.root, node))

    def at(self, location: Sequence[str | int]) -> Place | None:
        """Return the place at a location of field names, keys and indices, or None where nothing is known."""
        place: Place | None = self
        for step in location:
            place = place.child(step) if place else None
        return place


def fields(model: type[BaseModel]) -> Iterator[tuple[str, bool, Place]]:
    """Yield path, whether it is required, and place of every field, outer before inner, in order of definition."""
    yield from _fields(root_of(model), "")


def root_of(model: type[BaseModel]) -> Place:
    """Return the place of the whole model."""
    root = model.model_json_schema()
    return Place(root, root)


def _fields(place: Place, prefix: str) -> Iterator[tuple[str, bool, Place]]:
    for name in place.names:
        child = place.child(name)
        assert child is not None
        yield prefix + name, name in place.node.get("required", ()), child
        element = child.child(0)
        yield from _fields(element or child, f"{prefix}{name}{'[]' if element else ''}.")


def _resolved(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references and drop the null of an optional field; what stands beside them wins."""
    beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
    if "$ref" in node:
        return {**_resolved(root, root["$defs"][node["$ref"].rpartition("/")[2]]), **beside}
    for option in node.get("anyOf", ()):
        if option != {"type": "null"}:
            return {**beside, **_resolved(root, option), **_described(node)}
    return node


def _described(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"description": node["description"]} if "description" in node else {}
