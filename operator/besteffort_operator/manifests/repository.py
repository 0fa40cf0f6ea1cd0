"""Where Triton finds a server's models: addresses that it reads itself, and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_operator.manifests.hugging_face import REPOSITORY, hub_sizes, models_volume
from besteffort_operator.manifests.pod import Volume

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Manifest
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["Repositories", "fetches", "repositories"]

REMOTE = ("s3://", "gs://", "as://")


@dataclass(frozen=True)
class Repositories:
    """The model repositories of one server."""

    paths: tuple[str, ...]
    """Each once, as Triton reads them."""
    volumes: tuple[Volume, ...]


def repositories(server: Server) -> Repositories:
    """Return the repositories of a server in the order of its sizes."""
    uris = dict.fromkeys(size.model.repository.uri for size in server.sizes if size.model.repository)
    sources = dict.fromkeys(source for uri in uris if (source := _source(uri)))
    volumes = {source: _volume(i, source) for i, source in enumerate(sources)}
    paths = dict.fromkeys(_path(uri, volumes) for uri in uris)
    if hub_sizes(server.sizes):
        return Repositories((*paths, REPOSITORY), (*volumes.values(), models_volume(server)))
    return Repositories(tuple(paths), tuple(volumes.values()))


def fetches(service: BestEffortService) -> bool:
    """Return whether any server reads models over the network itself."""
    found = (size.model.repository for size in service.spec.sizes)
    return any(repository is None or repository.uri.startswith(REMOTE) for repository in found)


def _source(uri: str) -> str:
    """Return the part of a URI that says what to mount, or nothing."""
    if uri.startswith("oci://"):
        return uri
    return "/".join(uri.split("/")[:3]) if uri.startswith("pvc://") else ""


def _volume(i: int, source: str) -> Volume:
    kind, _, name = source.partition("://")
    if kind == "oci":
        what: Manifest = {"image": {"reference": name, "pullPolicy": "IfNotPresent"}}
    else:
        what = {"persistentVolumeClaim": {"claimName": name, "readOnly": True}}
    return Volume(f"repository-{i}", what, f"/repositories/{i}")


def _path(uri: str, volumes: dict[str, Volume]) -> str:
    if source := _source(uri):
        return (volumes[source].path + uri.removeprefix(source)).rstrip("/")
    return uri.removeprefix("file://")
