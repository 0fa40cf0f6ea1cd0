"""Kubernetes Events about a service: what was made, changed or removed, and which condition turned."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from besteffort_operator.errors import ApiError, ConflictError, NotFoundError
from besteffort_operator.kinds import EVENT, FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest

__all__ = ["Events", "Note", "notes_of_children", "notes_of_conditions"]

MESSAGE_SHOWN = 1000
REMEMBERED = 4096
# The others follow from these, or come and go with every change.
TELLING = ("Ready", "Degraded", "PolicyLoaded", "ScalingReady")
TROUBLE = {("Ready", "False"), ("Degraded", "True")}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """What an Event says; `warning` where somebody should look."""

    reason: str
    message: str
    warning: bool = False


def notes_of_children(done: Mapping[str, Iterable[str]]) -> Iterator[Note]:
    """Yield one note for each thing done, such as Created, that names the children it was done to."""
    for reason, children in done.items():
        if named := ", ".join(children):
            yield Note(reason, f"{reason} {named}")


def notes_of_conditions(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Iterator[Note]:
    """Yield one note for each telling condition whose status changed, and for faults that are there from the start."""
    known = {condition["type"]: condition["status"] for condition in before}
    for condition in (condition for condition in after if condition["type"] in TELLING):
        kind, status = condition["type"], condition["status"]
        starts_badly = not known and (kind, status) == ("Degraded", "True")
        if status != known.get(kind, status) or starts_badly:
            warning = (kind, status) in TROUBLE
            yield Note(condition["reason"], f"{kind} is {status}: {condition['message']}", warning=warning)


class Events:
    """Writes notes as Events; a note that was written before is counted up instead of written again."""

    def __init__(self, cluster: Cluster, instance: str) -> None:
        self._cluster = cluster
        self._instance = instance
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def write(self, service: Manifest, notes: Iterable[Note]) -> None:
        """Write notes about a service; one that cannot be written is only logged."""
        for note in notes:
            level = logging.WARNING if note.warning else logging.INFO
            log.log(level, "%s/%s: %s", service["metadata"]["namespace"], service["metadata"]["name"], note.message)
            try:
                await self._write(service, note)
            except ApiError as error:
                log.info("an Event was not written: %s", error)

    async def _write(self, service: Manifest, note: Note) -> None:
        event = self._event(service, note)
        name = event["metadata"]["name"]
        count = self._counts[name] = self._counts.pop(name, 0) + 1
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        repeated = {key: event[key] for key in ("metadata", "lastTimestamp")}
        if count > 1:
            with suppress(NotFoundError):  # Events go after an hour: then it is written anew
                await self._cluster.merge(EVENT, repeated | {"count": count})
                return
            self._counts[name] = 1
        try:
            await self._cluster.create(EVENT, event | {"count": 1})
        except ConflictError:  # a former process wrote it
            await self._cluster.merge(EVENT, repeated)

    def _event(self, service: Manifest, note: Note) -> Manifest:
        """Return the Event of a note; the same note has the same name, so that a restart does not double it."""
        metadata = service["metadata"]
        digest = hashlib.sha256(f"{metadata['uid']} {note.reason} {note.message}".encode()).hexdigest()[:16]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"namespace": metadata["namespace"], "name": f"{metadata['name']}.{digest}"},
            "involvedObject": {
                "apiVersion": service["apiVersion"],
                "kind": service["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "type": "Warning" if note.warning else "Normal",
            "reason": note.reason,
            "message": note.message[:MESSAGE_SHOWN],
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
