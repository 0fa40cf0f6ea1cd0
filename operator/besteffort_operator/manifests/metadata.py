"""What every child carries: name, labels, its owner, and the fingerprint of what was wanted."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.service import BestEffortService

__all__ = [
    "GROUP",
    "INJECT_LABEL",
    "INSTANCE_LABEL",
    "MANAGER",
    "ROLE_LABEL",
    "SIZE_LABEL",
    "WANTED_ANNOTATION",
    "Component",
    "child",
    "digest",
    "instance",
    "labels",
    "router_selector",
    "sealed",
    "selector",
]

GROUP = "serving.besteffort.dev"
MANAGER = "besteffort-operator"
INJECT_LABEL = f"{GROUP}/inject"
INSTANCE_LABEL = "app.kubernetes.io/instance"
ROLE_LABEL = f"{GROUP}/role"
SIZE_LABEL = f"{GROUP}/size"
WANTED_ANNOTATION = f"{GROUP}/wanted"


class Component(StrEnum):
    """Which part of a service an object belongs to."""

    TRITON = "triton"
    ROUTER = "router"
    ROUTER_CANARY = "router-canary"


def instance(service: BestEffortService) -> dict[str, str]:
    """Return the labels that find all pods of a service."""
    return {"app.kubernetes.io/name": "besteffort", INSTANCE_LABEL: service.metadata.name}


def selector(service: BestEffortService, component: Component, size: str = "") -> dict[str, str]:
    """Return the labels that find the pods of a component, of one size where it is named."""
    found = instance(service) | {"app.kubernetes.io/component": component}
    return found | {SIZE_LABEL: size} if size else found


def router_selector(service: BestEffortService) -> dict[str, str]:
    """Return the labels that find all routers, those of a canary too."""
    return instance(service) | {ROLE_LABEL: "router"}


def labels(service: BestEffortService, component: Component, size: str = "") -> dict[str, str]:
    """Return the labels of everything that belongs to a component."""
    return selector(service, component, size) | {
        "app.kubernetes.io/part-of": "besteffort",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def child(
    service: BestEffortService,
    context: Context,
    kind: str,
    name: str,
    component: Component,
    *,
    size: str = "",
    **body: Any,  # noqa: ANN401  JSON values
) -> Manifest:
    """Return an object of `kind` (its apiVersion is given with it, as in apps/v1/Deployment) that the service owns."""
    api_version, _, kind = kind.rpartition("/")
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": context.namespace,
            # On the object alone: in a pod template it would roll all pods with every release of the operator.
            "labels": labels(service, component, size)
            | {"app.kubernetes.io/version": _label(context.operator_version)},
            "ownerReferences": [_owner(service, context)],
        },
        **body,
    }


def sealed(manifest: Manifest) -> Manifest:
    """Return a copy with the fingerprint of all the rest, so that a field that is wanted no more is noticed."""
    copy: Manifest = json.loads(json.dumps(manifest))
    annotations = copy["metadata"].setdefault("annotations", {})
    annotations.pop(WANTED_ANNOTATION, None)
    annotations[WANTED_ANNOTATION] = digest(copy)
    return copy


def digest(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return the first 16 hexadecimal digits of the SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _owner(service: BestEffortService, context: Context) -> Manifest:
    return {
        "apiVersion": service.api_version,
        "kind": service.kind,
        "name": service.metadata.name,
        "uid": context.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _label(version: str) -> str:
    """A version may have a +, a label may not."""
    return version.replace("+", "_")
