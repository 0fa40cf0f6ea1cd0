"""The golden services, and what the operator wants for them in one fixed surrounding."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.context import Context
from besteffort_resource.document import load_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from besteffort_resource.service import BestEffortService

GOLDEN = Path(__file__).parents[1] / "golden" / "manifests"
INPUTS = sorted((GOLDEN / "input").glob("*.yaml"))
CONTEXT = Context(
    namespace="models",
    uid="6f1c2a34-0000-4000-8000-000000000000",
    router_image="registry.example/besteffort-router:0.1.0",
    operator_version="0.1.0+abc",
    replicas={"assistant-triton-medium": 3},
    available_kinds=frozenset({"PodMonitor", "ScaledObject"}),
)


@cache
def service_of(path: Path) -> BestEffortService:
    return load_service(path)


def wanted_of(path: Path, context: Context = CONTEXT) -> list[dict[str, Any]]:
    return wanted(service_of(path), context)


def name_of(manifest: dict[str, Any]) -> str:
    found: str = manifest["metadata"]["name"]
    return found


def one(manifests: Iterable[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def of_kind(manifests: Iterable[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod_of(deployment)["containers"][0]
    return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with its path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from leaves(each, f"{path}[{i}]")
    else:
        yield path, value
