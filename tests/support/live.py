"""Builders of live objects as an API server returns them, and of what routers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from besteffort_operator.router_report import BackendReport, Heard, PolicyReport, Report, RouterAddress
from besteffort_operator.view import View
from besteffort_resource.document import service_from_mapping

if TYPE_CHECKING:
    from besteffort_resource.service import BestEffortService


def deployment(  # noqa: PLR0913  what a Deployment can be like
    name: str,
    component: str = "triton",
    *,
    size: str = "",
    wanted: int = 1,
    ready: int | None = None,
    rolled_out: bool = True,
    overdue: bool = False,
    revision: int = 1,
    observed: bool = True,
    annotations: dict[str, str] | None = None,
    template: dict[str, Any] | None = None,
    refusal: str = "",
    max_surge: int = 0,
) -> dict[str, Any]:
    strategy = {"maxSurge": max_surge, "maxUnavailable": 0 if max_surge else 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "generation": 2,
            "labels": _labels(component, size),
            "annotations": {"deployment.kubernetes.io/revision": str(revision)} | (annotations or {}),
        },
        "spec": {
            "replicas": wanted,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": strategy},
            "template": template or {"spec": {"containers": [{"name": component}]}},
        },
        "status": {
            "observedGeneration": 2 if observed else 1,
            **_replicas(wanted, wanted if ready is None else ready, rolled_out=rolled_out),
            "conditions": _conditions(rolled_out=rolled_out, overdue=overdue, refusal=refusal),
        },
    }


def _replicas(wanted: int, ready: int, *, rolled_out: bool) -> dict[str, int]:
    updated = wanted if rolled_out else ready
    return {"replicas": wanted, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}


def _labels(component: str, size: str) -> dict[str, str]:
    return {"app.kubernetes.io/component": component} | ({"serving.besteffort.dev/size": size} if size else {})


def _conditions(*, rolled_out: bool, overdue: bool, refusal: str) -> list[dict[str, Any]]:
    reason = "ProgressDeadlineExceeded" if overdue else "NewReplicaSetAvailable" if rolled_out else "ReplicaSetUpdated"
    found = [{"type": "Progressing", "status": "False" if overdue else "True", "reason": reason}]
    if refusal:
        found.append({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refusal})
    return found


def pod(  # noqa: PLR0913  what a pod can be like
    name: str,
    *,
    component: str = "triton",
    size: str = "",
    container: dict[str, Any] | None = None,
    unschedulable: str = "",
    ready: bool = False,
    deleted: bool = False,
) -> dict[str, Any]:
    """`container`: the status of the only container."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    if unschedulable:
        conditions.append(
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable}
        )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": _labels(component, size)}
        | ({"deletionTimestamp": "2026-11-21T00:00:00Z"} if deleted else {}),
        "status": {
            "phase": "Pending",
            "conditions": conditions,
            "containerStatuses": [{"name": "triton", "ready": ready, **container}] if container else [],
        },
    }


def heard(  # noqa: PLR0913  what a router can say
    pod_name: str = "assistant-router-a",
    *,
    config_digest: str = "0123456789ab",
    policy: PolicyReport | None = None,
    backends: tuple[BackendReport, ...] = (),
    canary: bool = False,
    age_s: float = 1.0,
    silent: bool = False,
) -> Heard:
    address = RouterAddress("models", "assistant", pod_name, "10.0.0.1:9090", canary=canary)
    policy = policy or PolicyReport("Learned", "Enforce", "", 1_700_000_000.0, "")
    return Heard(address, None if silent else Report(config_digest, policy, backends), age_s)


def service(**spec: Any) -> BestEffortService:
    """Return a service of two sizes, small and large; `spec` as in YAML."""
    sizes = [{"name": name, "model": {"repository": {"uri": "s3://b/m", "name": name}}} for name in ("small", "large")]
    head = {"apiVersion": "serving.besteffort.dev/v1alpha1", "kind": "BestEffortService"}
    return service_from_mapping(head | {"metadata": {"name": "assistant"}, "spec": {"sizes": sizes} | spec})


def view(known: BestEffortService | None, *children: dict[str, Any], **more: Any) -> View:
    return View("models", 3, known, children=children, **more)
