"""The one recipe: read everything, build what is wanted, write what differs, say how it stands. May run at any time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from besteffort_operator.autoscaler import Autoscaler, scales
from besteffort_operator.errors import ForbiddenError, NotFoundError, OperatorError
from besteffort_operator.events import notes_of_children, notes_of_conditions
from besteffort_operator.kinds import SERVICE
from besteffort_operator.live_service import read_service
from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.context import Context
from besteffort_operator.pods import read_pods
from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.references import References, read_profiles
from besteffort_operator.rollout import gated
from besteffort_operator.status import status_of
from besteffort_operator.view import View
from besteffort_resource.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from besteffort_operator.children import Children
    from besteffort_operator.cluster import Cluster
    from besteffort_operator.events import Events, Note
    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.pods import Directory
    from besteffort_operator.router_report import Heard
    from besteffort_operator.work import Key
    from besteffort_resource.service import BestEffortService

__all__ = ["Outcome", "Reconciler", "Surroundings"]

UNSETTLED_S = 5.0
SCALING_S = 3.0
REFUSED_S = 30.0
ERROR_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What children depend on beside their service."""

    router_image: str
    operator_version: str


class Outcome(NamedTuple):
    """What a reconcile came to: whether the service is ready, what was done, and when to look again."""

    result: str
    ready: bool | None = None
    """None: the service is gone."""
    again_s: float | None = None


class Reconciler:
    """Makes a service's children as the service wants them, and its status as they are."""

    def __init__(
        self,
        cluster: Cluster,
        children: Children,
        events: Events,
        surroundings: Surroundings,
        directory: Directory,
        heard: Callable[[str, str], tuple[Heard, ...]],
    ) -> None:
        self.references = References()
        self._cluster = cluster
        self._children = children
        self._events = events
        self._surroundings = surroundings
        self._directory = directory
        self._heard = heard
        self._autoscaler = Autoscaler()

    async def reconcile(self, key: Key) -> Outcome:
        """Reconcile a service.

        Raises:
            ApiError: the API server is away, fails at an object, or someone else wrote meanwhile; nothing is lost by
                another try.
            NotLeadingError: a write was stopped.
        """
        try:
            owner = await self._cluster.get(SERVICE, *key)
        except NotFoundError:
            return self._forget(key)
        if "deletionTimestamp" in owner["metadata"]:
            return Outcome("deleting", ready=False)
        try:
            return await self._tend(key, owner)
        except OperatorError:
            raise
        except Exception as error:
            await self._refuse(owner, Reason.INTERNAL_ERROR, [f"the operator failed: {_words(error)}"])
            raise

    async def _tend(self, key: Key, owner: Manifest) -> Outcome:
        try:
            service = read_service(owner)
        except ResourceError as error:
            return await self._refuse(owner, Reason.INVALID_RESOURCE, error.sentences)
        self.references.note(key, service)
        try:
            return await self._settle(key, owner, service)
        except ResourceError as error:
            return await self._refuse(owner, Reason.NOT_CALIBRATED, error.sentences)
        except ForbiddenError as error:
            return await self._refuse(owner, Reason.FORBIDDEN, [str(error)])

    async def _settle(self, key: Key, owner: Manifest, service: BestEffortService) -> Outcome:
        live = await self._children.read(owner)
        pods = await read_pods(self._cluster, key, service)
        self._directory.note(key, pods)
        heard = self._heard(*key)
        decisions = self._autoscaler.decisions(key, service, live, heard, time.monotonic())
        available_kinds = frozenset(kind.kind for kind in self._children.optional_kinds)
        context = Context(
            namespace=key.namespace,
            uid=owner["metadata"]["uid"],
            router_image=self._surroundings.router_image,
            operator_version=self._surroundings.operator_version,
            profiles=await read_profiles(self._cluster, key.namespace, service),
            replicas={name: decision.replicas for name, decision in decisions.items()},
            available_kinds=available_kinds,
        )
        settled = await self._children.settle(owner, gated(wanted(service, context), live), live)
        view = View(
            namespace=key.namespace,
            generation=owner["metadata"]["generation"],
            service=service,
            faults=tuple(settled.refused),
            children=tuple(settled.live),
            pods=tuple(pods),
            routers=heard,
            decisions=decisions,
            available_kinds=available_kinds,
        )
        changed, ready = await self._report(owner, view, notes_of_children(settled.done))
        again_s = _again_s(view, service, ready=ready)
        self._directory.hurry(key, eager=again_s is not None)
        if settled.retry:
            raise settled.retry  # now that the status says it: tried again with growing delay
        done = changed or any(settled.done.values())
        return Outcome("changed" if done else "unchanged", ready, again_s)

    async def _refuse(self, owner: Manifest, reason: Reason, sentences: Iterable[str]) -> Outcome:
        metadata = owner["metadata"]
        faults = tuple(Finding(reason, sentence) for sentence in sentences)
        view = View(metadata["namespace"], metadata["generation"], None, faults)
        await self._report(owner, view, ())
        again_s = REFUSED_S if reason is Reason.FORBIDDEN else None
        return Outcome("refused", ready=False, again_s=again_s)

    async def _report(self, owner: Manifest, view: View, notes: Iterable[Note]) -> tuple[bool, bool]:
        """Write the status if it differs, and Events of what is new; return whether it did, and whether it is Ready."""
        before = owner.get("status", {})
        status = status_of(view, previous=before, now=datetime.now(UTC))
        changed = status != before
        if changed:
            identity = {name: owner["metadata"][name] for name in ("namespace", "name", "uid")}
            manifest = {"apiVersion": SERVICE.api_version, "kind": SERVICE.kind, "metadata": identity, "status": status}
            await self._cluster.apply_status(SERVICE, manifest)
        turned = notes_of_conditions(before.get("conditions", ()), status["conditions"])
        await self._events.write(owner, [*notes, *turned])
        return changed, any(found["type"] == "Ready" and found["status"] == "True" for found in status["conditions"])

    def _forget(self, key: Key) -> Outcome:
        """Drop what is known of a service that is gone; its children go by their owner references."""
        self.references.forget(key)
        self._autoscaler.forget(key)
        self._children.forget(*key)
        self._directory.forget(key)
        return Outcome("gone")


def _words(error: Exception) -> str:
    """Return what an unexpected error says, on one line; the log has where it came from."""
    return " ".join(f"{type(error).__name__} {error}".split())[:ERROR_SHOWN]


def _again_s(view: View, service: BestEffortService, *, ready: bool) -> float | None:
    """Return when to look again without being told: pods and backlogs are not watched."""
    if scales(service):
        return SCALING_S
    if not ready or not all(workload.settled for workload in view.workloads()):
        return UNSETTLED_S
    return REFUSED_S if view.faults else None
