"""The way to a cluster: which kubeconfig, context and namespace are meant, and sentences for what goes wrong there."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from besteffort_cli.errors import EnvironmentMissingError, InputError, ServerError
from besteffort_operator.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OperatorError,
    UnauthorizedError,
    UnavailableError,
)
from besteffort_operator.kinds import SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest

__all__ = ["ContextOption", "KubeconfigOption", "NamespaceOption", "Place", "find_place", "live_service", "reached"]

KubeconfigOption = Annotated[
    Path | None,
    typer.Option("--kubeconfig", metavar="FILE", help="How to reach the cluster; default: as kubectl does."),
]
ContextOption = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="Another context of the kubeconfig than the present one."),
]
NamespaceOption = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAME", help="Of the service; default: that of the context.")
]

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Place:
    """A namespace of a cluster; `kubeconfig` may be several files, as in KUBECONFIG."""

    kubeconfig: Path
    context: str
    namespace: str


def find_place(kubeconfig: Path | None, context: str | None, namespace: str | None) -> Place:
    """Return the place that options mean, with what they leave out taken from the kubeconfig.

    Raises:
        InputError: there is no kubeconfig, it is refused, or has no such context; or the namespace is malformed.
    """
    where = str(kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    files = [path for path in map(Path, where.split(os.pathsep)) if path.is_file()]
    if not files:
        raise InputError(f"--kubeconfig: there is no file {where}; give the cluster's kubeconfig, or set KUBECONFIG.")
    parts = [_mapping(path) for path in files]
    contexts = {name: inner for part in reversed(parts) for name, inner in _contexts(part)}
    present = next((part["current-context"] for part in parts if part.get("current-context")), "")
    name = context or str(present)
    if name not in contexts:
        known = f"it has {', '.join(contexts)}" if contexts else "it has none"
        wrong = f"context {name} is not in {where}" if name else f"no context is chosen in {where}"
        raise InputError(f"--context: {wrong}; {known}.")
    if namespace is None:
        namespace = str(contexts[name].get("namespace") or "default")
    return Place(Path(where), name, _formed("--namespace", namespace))


def _formed(what: str, name: str) -> str:
    """Return a name that is well formed; an empty one, or one with a slash, would be another path of the API."""
    if not NAME.fullmatch(name):
        raise InputError(f'{what}: "{name}" is no name of lower-case letters, digits and inner dashes; write another.')
    return name


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"--kubeconfig: {path} cannot be read as a kubeconfig; give another file.") from error
    if not isinstance(found, dict):
        raise InputError(f"--kubeconfig: {path} is no kubeconfig; give another file.")
    return found


def _contexts(part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in part.get("contexts") or ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], entry.get("context") or {}


@asynccontextmanager
async def reached(place: Place) -> AsyncIterator[Cluster]:
    """Yield the cluster; what it refuses becomes one sentence.

    Raises:
        EnvironmentMissingError: the Kubernetes client is not installed.
        InputError: the kubeconfig does not say how to connect, its credentials are refused, a right is missing, or
            somebody else wrote first.
        ServerError: the API server does not answer, or refuses for another reason.
    """
    try:
        from besteffort_operator.cluster import connected  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise EnvironmentMissingError(
            "this verb talks to a cluster and needs the Kubernetes client; pip install 'besteffort[operator]'."
        ) from error
    try:
        async with connected(place.kubeconfig, f"besteffort/{version('besteffort')}", context=place.context) as cluster:
            yield cluster
    except UnauthorizedError as error:
        raise InputError(
            f"the API server of context {place.context} refuses your credentials (401); log in again."
        ) from error
    except UnavailableError as error:
        raise ServerError(f"the API server of context {place.context} does not answer: {error}") from error
    except ForbiddenError as error:
        raise InputError(f"the user of context {place.context} may not do this: {error}") from error
    except ConflictError as error:
        raise InputError("somebody else changed the service meanwhile; look at it and try again.") from error
    except ApiError as error:
        raise ServerError(f"the API server of context {place.context} refuses this: {error}") from error
    except OperatorError as error:
        raise InputError(f"context {place.context}: {error}") from error


async def live_service(cluster: Cluster, place: Place, name: str) -> Manifest:
    """Return a service as it is in the cluster.

    Raises:
        InputError: the name is malformed, there is none of it, or the cluster does not know the resource at all.
    """
    _formed("NAME", name)
    try:
        return await cluster.get(SERVICE, place.namespace, name)
    except NotFoundError as error:
        if not await cluster.serves(SERVICE):
            raise InputError(
                f"the cluster of context {place.context} knows no BestEffortService; install BestEffort there first "
                "(docs/install.md)."
            ) from error
        others = [found["metadata"]["name"] for found in await cluster.list(SERVICE, place.namespace)]
        hint = f"there is {', '.join(others)}" if others else "there is none at all; -n names another namespace"
        raise InputError(f"no BestEffortService {name} in namespace {place.namespace}; {hint}.") from error
