"""The objects that a service owns: read them, make them as wanted, delete what is wanted no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from besteffort_operator.comparison import owns_replicas
from besteffort_operator.diagnosis import finding_of_refusal
from besteffort_operator.errors import ApiError, ConflictError, ForbiddenError, NotFoundError, UnavailableError
from besteffort_operator.kinds import DEPLOYMENT, FIELD_MANAGER, KINDS, MANAGED_BY, kind_of
from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.workload import COMPONENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.comparison import Memory
    from besteffort_operator.kinds import Kind
    from besteffort_operator.manifests.context import Manifest

__all__ = ["Children", "Settled"]

HANDOVER = f"{FIELD_MANAGER}-handover"
HEALED_BY_TIME = (ConflictError, UnavailableError)


@dataclass
class Settled:
    """What stands after the writes, what was done, and what the API server refused."""

    live: list[Manifest] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    retry: ApiError | None = None
    """The first of the refusals that time alone may heal, such as an admission webhook that does not answer."""

    def refuse(self, error: ApiError, child: Manifest) -> None:
        """Note that the API server did not do something with a child."""
        found = finding_of_refusal(f"{_named(child)}: {error.said}")
        self.refused.append(Finding(found.reason, found.sentence + _whence(error.said, child)))
        if isinstance(error, HEALED_BY_TIME):
            self.retry = self.retry or error

    @property
    def done(self) -> dict[str, list[str]]:
        """Return the names of the children by what was done to them."""
        return {"Created": self.created, "Changed": self.changed, "Removed": self.removed}


class Children:
    """Reads and writes the children of services; of optional kinds only those that the API server has."""

    def __init__(self, cluster: Cluster, memory: Memory) -> None:
        self.optional_kinds: frozenset[Kind] = frozenset()
        self._cluster = cluster
        self._memory = memory

    async def read(self, owner: Manifest) -> list[Manifest]:
        """Return the live children of a service.

        Raises:
            ApiError: a kind could not be listed.
        """
        metadata = owner["metadata"]
        labels = f"{MANAGED_BY},app.kubernetes.io/instance={metadata['name']}"
        kinds = [kind for kind in KINDS if not kind.optional or kind in self.optional_kinds]
        found = await asyncio.gather(*(self._list(kind, metadata["namespace"], labels) for kind in kinds))
        return [child for children in found for child in children if _owned(child, metadata["uid"])]

    async def settle(self, owner: Manifest, wanted: Iterable[Manifest], live: Collection[Manifest]) -> Settled:
        """Make the children of a service as wanted, and delete the others; what is refused does not stop the rest.

        Raises:
            NotLeadingError: a write was stopped.
        """
        settled = Settled()
        left = {_identity(child): child for child in live}
        for manifest in wanted:
            known = left.pop(_identity(manifest), None)
            try:
                found = await self._settle(owner, manifest, known, settled)
            except ApiError as error:
                settled.refuse(error, manifest)
                found = known
            settled.live += [found] if found else []
        for child in left.values():
            await self._remove(child, settled)
        return settled

    def forget(self, namespace: str, name: str) -> None:
        """Drop what is known of the children of a service that is gone."""
        self._memory.forget_service(namespace, name)

    async def _list(self, kind: Kind, namespace: str, labels: str) -> list[Manifest]:
        try:
            return await self._cluster.list(kind, namespace, labels=labels)
        except (ForbiddenError, NotFoundError):
            # An add-on that went, or whose rights are missing: what is wanted of it is refused at the write.
            if kind.optional:
                return []
            raise

    async def _settle(
        self, owner: Manifest, wanted: Manifest, known: Manifest | None, settled: Settled
    ) -> Manifest | None:
        """Make one child as wanted and return it as it then is; None where its name is taken."""
        kind, name = kind_of(wanted), _named(wanted)
        if known is None:
            applied = await self._create(kind, wanted, owner)
            if applied is None:
                settled.refused.append(_foreign(wanted))
                return None
        elif self._memory.is_settled(known, wanted):
            return known
        else:
            await self._hand_over(kind, wanted, known)
            applied = await self._cluster.apply(kind, wanted)
        (settled.changed if known else settled.created).append(name)
        self._memory.accept(applied, wanted)
        return applied

    async def _create(self, kind: Kind, wanted: Manifest, owner: Manifest) -> Manifest | None:
        """Apply a child that is not there, or lost its labels; None where somebody else's object has the name."""
        try:
            return await self._cluster.apply(kind, _only_if_absent(wanted))
        except ConflictError:
            if await self._is_taken(kind, wanted, owner):
                return None
            return await self._cluster.apply(kind, wanted)

    async def _is_taken(self, kind: Kind, wanted: Manifest, owner: Manifest) -> bool:
        """Say whether somebody else's object has the name; ours that lost its labels is ours."""
        try:
            found = await self._cluster.get(kind, wanted["metadata"]["namespace"], wanted["metadata"]["name"])
        except NotFoundError:
            return False
        return not _owned(found, owner["metadata"]["uid"])

    async def _hand_over(self, kind: Kind, wanted: Manifest, known: Manifest) -> None:
        """Leave the replicas to an autoscaler at their number: given up by their only owner they would fall to 1."""
        if kind == DEPLOYMENT and "replicas" not in wanted["spec"] and owns_replicas(known, FIELD_MANAGER):
            identity = {key: wanted["metadata"][key] for key in ("namespace", "name")}
            kept = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": identity}
            replicas = {"replicas": known["spec"]["replicas"]}
            await self._cluster.apply(kind, kept | {"spec": replicas}, manager=HANDOVER)

    async def _remove(self, child: Manifest, settled: Settled) -> None:
        if "deletionTimestamp" in child["metadata"]:
            return
        try:
            await self._cluster.delete(kind_of(child), child)
        except ApiError as error:
            settled.refuse(error, child)
        else:
            self._memory.forget(child)
            settled.removed.append(_named(child))


def _owned(child: Mapping[str, object], uid: str) -> bool:
    metadata = child["metadata"]
    assert isinstance(metadata, dict)
    return any(owner["uid"] == uid and owner.get("controller") for owner in metadata.get("ownerReferences", ()))


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def _named(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _whence(said: str, child: Manifest) -> str:
    """Return which field of the resource a fault in a pod's template most often comes from."""
    if "spec.template." not in said:
        return ""
    block = "triton" if child["metadata"].get("labels", {}).get(COMPONENT) == "triton" else "router"
    return f" (most often it comes from spec.{block}.podTemplate)"


def _only_if_absent(manifest: Manifest) -> Manifest:
    """Return a manifest that makes an object, and conflicts with every one that exists: none has so old a version."""
    return manifest | {"metadata": manifest["metadata"] | {"resourceVersion": "1"}}


def _foreign(wanted: Manifest) -> Finding:
    return Finding(Reason.REFUSED, f"{_named(wanted)} exists and is not this service's; rename one of the two")
