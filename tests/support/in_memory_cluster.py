"""A cluster in memory: objects, server-side apply as a plain merge, and a log of what was written."""

from __future__ import annotations

import copy
from itertools import count
from typing import TYPE_CHECKING, Any

from besteffort_operator.errors import ConflictError, NotFoundError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_operator.kinds import Kind

Manifest = dict[str, Any]


class InMemoryCluster:
    """The methods of besteffort_operator.cluster.Cluster that the operator's parts use."""

    def __init__(self, *objects: Manifest) -> None:
        self.writes: list[str] = []
        self.refuses: dict[str, OperatorError] = {}
        """Errors by what they answer, such as `apply PodMonitor` or `list`."""
        self._objects: dict[tuple[str, str, str], Manifest] = {}
        self._versions = count(2)  # as in etcd, whose first revision is no object's
        for found in objects:
            self._store(found)

    def fenced(self, _: Callable[[], float]) -> InMemoryCluster:
        return self

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        self._answer("get", kind)
        try:
            return copy.deepcopy(self._objects[kind.kind, namespace, name])
        except KeyError as error:
            raise NotFoundError(f"no {kind.kind} {name}") from error

    async def get_cached(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        self._answer("get", kind)
        found = self._objects.get((kind.kind, namespace, name))
        return copy.deepcopy(found) if found else None

    async def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> list[Manifest]:
        self._answer("list", kind)
        asked = dict(label.split("=") for label in labels.split(",") if label)
        found = [o for (k, n, _), o in self._objects.items() if k == kind.kind and namespace in (None, n)]
        return [copy.deepcopy(o) for o in found if asked.items() <= o["metadata"].get("labels", {}).items()]

    async def serves(self, kind: Kind) -> bool:
        self._answer("serves", kind)
        return True

    async def may_list(self, kind: Kind, namespace: str | None = None) -> bool:
        return f"list {kind.kind}" not in self.refuses or namespace == "mine"

    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str = "besteffort-operator") -> Manifest:
        self._log("apply", kind, manifest, manager)
        before = self._objects.get((kind.kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"]), {})
        version = manifest["metadata"].get("resourceVersion")
        if before and version not in (None, before["metadata"]["resourceVersion"]):
            raise ConflictError("the object has been modified")
        return self._store(_merged(before, manifest))

    async def apply_status(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._log("status", kind, manifest)
        before = await self.get(kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        return self._store(before | {"status": manifest["status"]})

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._log("create", kind, manifest)
        if (kind.kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"]) in self._objects:
            raise ConflictError("exists")
        return self._store(manifest)

    async def replace(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._log("replace", kind, manifest)
        before = await self.get(kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        if before["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
            raise ConflictError("somebody wrote meanwhile")
        return self._store(manifest)

    async def merge(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._log("merge", kind, manifest)
        before = await self.get(kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        return self._store(_merged(before, manifest))

    async def delete(self, kind: Kind, manifest: Manifest) -> None:
        self._log("delete", kind, manifest)
        self._objects.pop((kind.kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"]), None)

    def put(self, manifest: Manifest) -> Manifest:
        """Store an object without a line in the log, as somebody else would."""
        return self._store(manifest)

    def _store(self, manifest: Manifest) -> Manifest:
        found = copy.deepcopy(manifest)
        metadata = found["metadata"]
        version = str(next(self._versions))
        metadata |= {"resourceVersion": version, "uid": metadata.get("uid", f"uid-{version}")}
        self._objects[found["kind"], metadata["namespace"], metadata["name"]] = found
        return copy.deepcopy(found)

    def _log(self, verb: str, kind: Kind, manifest: Manifest, manager: str = "besteffort-operator") -> None:
        by = "" if manager == "besteffort-operator" else f" by {manager}"
        self.writes.append(f"{verb} {kind.kind} {manifest['metadata']['name']}{by}")
        self._answer(verb, kind)

    def _answer(self, verb: str, kind: Kind) -> None:
        for asked in (verb, f"{verb} {kind.kind}"):
            if asked in self.refuses:
                raise self.refuses[asked]


def _merged(before: Any, after: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    return before | {key: _merged(before.get(key), value) for key, value in after.items()}
