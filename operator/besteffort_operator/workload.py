"""Pure: a live Deployment as what the status and the rollout ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "COMPONENT",
    "INSTANCE",
    "SIZE",
    "TEMPLATE",
    "WAITS_FOR",
    "Workload",
    "condition_of",
    "workload_of",
    "workloads_of",
]

COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
SIZE = "serving.besteffort.dev/size"
TEMPLATE = "serving.besteffort.dev/template"
"""Annotation of a Triton Deployment: the digest of the pod template that it was last let to take."""
WAITS_FOR = "serving.besteffort.dev/waits-for"
"""Annotation of a Triton Deployment: whose rollout it waits for before it takes a changed pod template."""
REVISION = "deployment.kubernetes.io/revision"
COMPLETE = "NewReplicaSetAvailable"


@dataclass(frozen=True)
class Workload:
    """A Deployment: what it should run, what it runs, and how far its last change has come."""

    name: str
    component: str
    size: str
    """Empty where it hosts all sizes, or none."""
    wanted: int
    ready: int
    available: int
    updated: int
    observed: bool
    """Its controller has looked at its present version."""
    rolled_out: bool
    """The last change of its pod template has been complete once; pods lost since do not count."""
    overdue: bool
    """That change has taken longer than it may."""
    first: bool
    """Its pod template has never changed."""
    waits_for: str
    refusal: str
    """What the API server said when a pod was refused; empty: none is."""

    @property
    def settled(self) -> bool:
        """Return whether all its pods are there, are of the last template and answer."""
        return self.rolled_out and self.updated == self.wanted and self.ready == self.wanted


def workloads_of(children: Iterable[Mapping[str, Any]]) -> tuple[Workload, ...]:
    """Return the Deployments among live children by name."""
    found = [workload_of(child) for child in children if child["kind"] == "Deployment"]
    return tuple(sorted(found, key=lambda workload: workload.name))


def workload_of(deployment: Mapping[str, Any]) -> Workload:
    """Return what a live Deployment says."""
    metadata, status = deployment["metadata"], deployment.get("status", {})
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    progress = condition_of(deployment, "Progressing")
    seen = status.get("observedGeneration", 0)
    observed = seen >= metadata.get("generation", 1)
    return Workload(
        name=metadata["name"],
        component=labels.get(COMPONENT, ""),
        size=labels.get(SIZE, ""),
        wanted=deployment["spec"].get("replicas", 1),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        observed=observed,
        rolled_out=observed and progress.get("reason") == COMPLETE,
        overdue=observed and progress.get("reason") == "ProgressDeadlineExceeded",
        # The revision counts a change only once the controller has seen it.
        first=annotations.get(REVISION, "1") == "1" and (observed or not seen),
        waits_for=annotations.get(WAITS_FOR, ""),
        refusal=_refusal(deployment),
    )


def condition_of(manifest: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return a live object's condition of a type, empty if it has none."""
    conditions = manifest.get("status", {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), {})


def _refusal(deployment: Mapping[str, Any]) -> str:
    failure = condition_of(deployment, "ReplicaFailure")
    return str(failure.get("message", "")) if failure.get("status") == "True" else ""
