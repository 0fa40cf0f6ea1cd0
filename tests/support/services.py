"""Services for tests of the operator: a small one, and whatever a test lays over it."""

from __future__ import annotations

from typing import Any

from besteffort_operator.manifests.overlay import overlaid
from besteffort_resource.document import service_from_mapping
from besteffort_resource.service import BestEffortService


def size(name: str, uri: str = "s3://models/assistant", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "quality": {"default": "0.5"},
        "latency": [{"batch": 1, "seconds": "0.01"}],
        "model": {"repository": {"uri": uri, "name": f"model_{name}"}},
    } | more


def hub_size(name: str, **more: Any) -> dict[str, Any]:
    return size(name, model={"huggingFace": {"id": f"org/{name}", "revision": "main"} | more})


def service(*sizes: dict[str, Any], **spec: Any) -> BestEffortService:
    found = {
        "apiVersion": "serving.besteffort.dev/v1alpha1",
        "kind": "BestEffortService",
        "metadata": {"name": "assistant"},
        "spec": {"sizes": list(sizes) or [size("small"), size("large")]},
    }
    return service_from_mapping(overlaid(found, {"spec": spec}))
