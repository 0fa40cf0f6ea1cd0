"""Write the schemas that kubeconform checks with: what an API server says of its kinds, and definitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cluster.access import Cluster

LOCATION = "{{ .Group }}-{{ .ResourceAPIVersion }}-{{ .ResourceKind }}.json"
VERSIONED = (
    "api/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apps/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/autoscaling/v2",
    "apis/networking.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
)


def write(folder: Path, cluster: Cluster, definitions: Iterable[dict[str, Any]]) -> str:
    """Fill the folder; return the location to give to kubeconform. Unknown fields are refused everywhere."""
    for version in VERSIONED:
        _write_served(folder, json.loads(cluster.kubectl("get", "--raw", f"/openapi/v3/{version}")))
    for definition in definitions:
        _write_defined(folder, definition["spec"])
    return str(folder / LOCATION)


def _write_served(folder: Path, page: dict[str, Any]) -> None:
    schemas = {name: _strict(schema) for name, schema in page["components"]["schemas"].items()}
    for name, schema in schemas.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
            _file(folder, kind["group"], kind["version"], kind["kind"]).write_text(json.dumps(whole))


def _write_defined(folder: Path, spec: dict[str, Any]) -> None:
    for version in spec["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        schema.setdefault("properties", {}).update({"metadata": {"type": "object"}})
        _file(folder, spec["group"], version["name"], spec["names"]["kind"]).write_text(json.dumps(schema))


def _file(folder: Path, group: str, version: str, kind: str) -> Path:
    return (
        folder / f"{group or version}-{version}-{kind.lower()}.json"
    )  # kubeconform calls the core group by its version


def _strict(schema: Any) -> Any:
    """The schema with every object closed whose properties are listed, but where it keeps what it does not know."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _strict(value) for key, value in schema.items()}
    open_ = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_:
        closed["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string") is True:
        closed.pop("type", None)
    return closed
