"""Pure: who changes the number of each Deployment's servers, and how that stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.workload import condition_of
from besteffort_resource.capacity import ScalingEngine
from besteffort_resource.names import router_name
from besteffort_resource.servers import servers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.view import View
    from besteffort_resource.capacity import Scaling
    from besteffort_resource.service import BestEffortService

__all__ = ["ScalerState", "scaler_states"]

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"


@dataclass(frozen=True)
class ScalerState:
    """How the number of a Deployment's servers stands: ready now, wanted, and why."""

    deployment: str
    replicas: int
    wanted: int
    finding: Finding


def scaler_states(service: BestEffortService, view: View) -> tuple[ScalerState, ...]:
    """Return one for each Deployment whose number of servers follows the load, by name."""
    found = [_triton(view, server.name, server.scaling) for server in servers(service) if server.scaling]
    if service.spec.router.scaling:
        name = router_name(service)
        found.append(_state(view, name, _by_child(view, HPA, name)))
    return tuple(sorted(found, key=lambda state: state.deployment))


def _triton(view: View, name: str, scaling: Scaling) -> ScalerState:
    if scaling.engine is ScalingEngine.OPERATOR:
        unknown = Finding(Reason.NO_BACKLOG_KNOWN, "no router has said yet how much work waits")
        decision = view.decisions.get(name)
        finding = Finding(decision.reason, decision.sentence) if decision else unknown
        return _state(view, name, finding, decision.replicas if decision else None)
    if scaling.engine is ScalingEngine.HPA:
        return _state(view, name, _by_child(view, HPA, name))
    if SCALED_OBJECT not in view.available_kinds:
        return _state(
            view, name, Finding(Reason.KEDA_MISSING, "the cluster has no ScaledObjects: KEDA is not installed")
        )
    return _state(view, name, _by_child(view, SCALED_OBJECT, name))


def _state(view: View, name: str, finding: Finding, wanted: int | None = None) -> ScalerState:
    workload = next((workload for workload in view.workloads() if workload.name == name), None)
    if workload is None:
        return ScalerState(name, 0, wanted or 0, finding)
    return ScalerState(name, workload.ready, workload.wanted if wanted is None else wanted, finding)


def _by_child(view: View, kind: str, name: str) -> Finding:
    """Return what the scaler that targets a Deployment says of itself."""
    for child in view.children:
        if child["kind"] == kind and child["spec"]["scaleTargetRef"]["name"] == name:
            return _failing(kind, child) or Finding(Reason.SCALING, f"{kind} {child['metadata']['name']} changes it")
    return Finding(Reason.STARTING_UP, f"its {kind} is not there yet")


def _failing(kind: str, child: Mapping[str, Any]) -> Finding | None:
    for condition in (condition_of(child, name) for name in ("AbleToScale", "ScalingActive", "Ready")):
        if condition.get("status") == "False" and condition.get("reason") != "ScalingDisabled":
            message = " ".join(str(condition.get("message", "")).split())
            return Finding(Reason.SCALER_FAILING, f"{kind} {child['metadata']['name']}: {message}")
    return None
