"""Write the CustomResourceDefinition of the resource from its models: `python -m besteffort_resource.crd > crd.yaml`.

The schema is structural: references resolved, no null, defaults filled in by the API server; the rules are in cel.py.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import yaml

from besteffort_resource.cel import form_validation
from besteffort_resource.schema import root_of
from besteffort_resource.service import BestEffortService
from besteffort_resource.status_shape import Status
from besteffort_resource.validations import VALIDATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_resource.schema import Place

__all__ = ["crd", "crd_yaml"]

GROUP: Final = "serving.besteffort.dev"
VERSION: Final = "v1alpha1"
PLURAL: Final = "besteffortservices"

KEPT: Final = (
    "description",
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minimum",
    "x-kubernetes-preserve-unknown-fields",
)
"""What a structural schema takes over from the models as it is; forms become rules, which say what is wrong."""

LISTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "spec.tasks": {"x-kubernetes-list-type": "set"},
    "spec.sizes": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    "spec.sizes[].latency": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["batch"]},
    "spec.triton.env": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    "status.conditions": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    "status.sizes": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    "status.scaling": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["deployment"]},
}
"""How lists merge; what is not here is replaced as a whole."""

COLUMNS: Final = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether requests are answered."),
    ("Sizes", "string", ".status.sizesReady", "Sizes that are ready, of all."),
    ("Policy", "string", ".status.policy.kind", "The rule that the routers decide by."),
    ("URL", "string", ".status.url", "Where clients call."),
    ("Age", "date", ".metadata.creationTimestamp", "Time since it was made."),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not."),
)
WIDE: Final = ("Reason",)


def crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition as plain values."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "besteffort"}},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": "BestEffortService",
                "listKind": "BestEffortServiceList",
                "plural": PLURAL,
                "singular": "besteffortservice",
                "shortNames": ["bes"],
                "categories": ["all"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def crd_yaml() -> str:
    """Return the CustomResourceDefinition as YAML."""
    head = "# Made by `make manifests` from besteffort_resource/crd.py; a test compares. Change the models instead.\n"
    return head + yaml.safe_dump(crd(), sort_keys=False, width=120, allow_unicode=True)


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(*column) for column in COLUMNS],
        "schema": {"openAPIV3Schema": _root()},
    }


def _column(name: str, kind: str, path: str, description: str) -> dict[str, Any]:
    wide = {"priority": 1} if name in WIDE else {}
    return {"name": name, "type": kind, "jsonPath": path, "description": description} | wide


def _root() -> dict[str, Any]:
    """Return the schema of the whole resource; metadata is checked by the API server itself."""
    service = root_of(BestEffortService)
    blocks = {"spec": service.at(["spec"]), "status": root_of(Status)}
    heads = {name: {"type": "string", "description": _description(service, name)} for name in ("apiVersion", "kind")}
    return {
        "description": service.node["description"],
        "type": "object",
        "required": ["spec"],
        **_rules("", {}),
        "properties": {
            **heads,
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}},
            **{name: _structural(place, name) for name, place in blocks.items() if place},
        },
    }


def _description(place: Place, name: str) -> str:
    field = place.child(name)
    assert field
    return str(field.node["description"])


def _structural(place: Place, path: str) -> dict[str, Any]:
    """Return the structural schema of a place and of all below it."""
    node = place.node
    found: dict[str, Any] = {key: node[key] for key in KEPT if key in node}
    if "const" in node:
        found["enum"] = [node["const"]]
    if "x-kubernetes-int-or-string" in node:
        found["x-kubernetes-int-or-string"] = True
    else:
        found["type"] = node["type"]
    if node.get("type") == "integer":
        found.setdefault("format", "int32")
    return {**found, **LISTS.get(path, {}), **_default(node), **_rules(path, node), **_below(place, path)}


def _default(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default; a block's in full, because the API server checks its rules before it fills in the fields."""
    value = _without_gaps(node.get("default"))
    return {} if value in (None, [], {}) else {"default": value}


def _without_gaps(value: Any) -> Any:  # noqa: ANN401  any value of JSON
    """Return a value without the fields that are nothing or empty."""
    if not isinstance(value, dict):
        return value
    filled = {name: _without_gaps(field) for name, field in value.items()}
    return {name: field for name, field in filled.items() if field not in (None, [], {})}


def _rules(path: str, node: Mapping[str, Any]) -> dict[str, Any]:
    found = [form_validation(node)] if "form" in node else []
    found += [validation.as_mapping() for validation in VALIDATIONS if validation.at == path]
    return {"x-kubernetes-validations": found} if found else {}


def _below(place: Place, path: str) -> dict[str, Any]:
    """Return the schemas of a block's fields, of a list's entries, or of a map's values."""
    if place.names:
        fields = {name: place.at([name]) for name in place.names}
        prefix = f"{path}." if path else ""
        below = {name: _structural(field, prefix + name) for name, field in fields.items() if field}
        required = [name for name in place.node.get("required", ()) if name in below]
        return ({"required": required} if required else {}) | {"properties": below}
    if element := place.child(0):
        return {"items": _structural(element, f"{path}[]")}
    if value := place.child(""):
        return {"additionalProperties": _structural(value, f"{path}.*")}
    return {}


if __name__ == "__main__":
    sys.stdout.write(crd_yaml())
