"""Pure: all that is known of one service when its status is written, and how each of its sizes stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from besteffort_operator.diagnosis import finding_of_refusal, worst, worst_of_pods
from besteffort_operator.reasons import Finding, Reason, is_fault
from besteffort_operator.workload import COMPONENT, SIZE, workloads_of
from besteffort_resource.servers import servers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from besteffort_operator.router_report import Heard
    from besteffort_operator.scaling import Decision
    from besteffort_operator.workload import Workload
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["SizeState", "View", "size_states", "workload_finding"]


@dataclass(frozen=True)
class View:
    """What a reconcile has seen and done."""

    namespace: str
    generation: int
    service: BestEffortService | None
    """None where the resource is refused; then `faults` says why."""
    faults: tuple[Finding, ...] = ()
    """What the resource, a missing profile or the API server's refusals keep from being done."""
    children: tuple[Mapping[str, Any], ...] = ()
    """Live."""
    pods: tuple[Mapping[str, Any], ...] = ()
    """Live; needed only where a Deployment is not settled, to say why."""
    routers: tuple[Heard, ...] = ()
    """One for each router pod, those that have never answered among them."""
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    """What the operator's own autoscaler decided, by Deployment."""
    available_kinds: frozenset[str] = frozenset()
    """Optional kinds that the API server has."""

    def workloads(self, *components: str) -> tuple[Workload, ...]:
        """Return the live Deployments of some components, of all where none is named."""
        found = workloads_of(self.children)
        return tuple(workload for workload in found if not components or workload.component in components)


@dataclass(frozen=True)
class SizeState:
    """How a size stands; `finding` says what keeps it from being ready, None where nothing does."""

    name: str
    deployment: str
    ready: int
    wanted: int
    available: int
    finding: Finding | None = None


def size_states(service: BestEffortService, view: View) -> tuple[SizeState, ...]:
    """Return how each size stands, in the order of the resource."""
    return tuple(state for server in servers(service) for state in _states(service, server, view))


def _states(service: BestEffortService, server: Server, view: View) -> Iterator[SizeState]:
    workload = next((found for found in view.workloads("triton") if found.name == server.name), None)
    finding = workload_finding(workload, view.pods) if workload else worst(view.faults)
    if workload is None and finding is None:
        finding = Finding(Reason.STARTING_UP, f"Deployment {server.name} is not there yet")
    for size in server.sizes:
        wanted = workload.wanted if workload else service.replicas_of(size)
        ready, available = (workload.ready, workload.available) if workload else (0, 0)
        yield SizeState(size.name, server.name, ready, wanted, available, finding)


def workload_finding(workload: Workload, pods: Iterable[Mapping[str, Any]]) -> Finding | None:
    """Return what keeps a Deployment from being settled, None where it is."""
    if workload.settled:
        return Finding(Reason.WAITING_TURN, _turn(workload)) if workload.waits_for else None
    held_up = worst_of_pods(pod for pod in pods if _owns(workload, pod))
    refused = finding_of_refusal(workload.refusal) if workload.refusal else None
    late = Finding(Reason.PROGRESS_DEADLINE_EXCEEDED, "its last change is not complete in the time that it has")
    found = worst([held_up, refused])
    if workload.overdue and not (found and is_fault(found.reason)):
        found = late
    waiting = Finding(Reason.WAITING_TURN, _turn(workload)) if workload.waits_for else None
    return found or waiting or _under_way(workload)


def _under_way(workload: Workload) -> Finding:
    if not workload.observed:
        return Finding(Reason.ROLLING_OUT, "it has only just been changed")
    if workload.rolled_out or workload.first:
        return Finding(
            Reason.STARTING_UP, f"{min(workload.ready, workload.wanted)} of {workload.wanted} pods are ready"
        )
    return Finding(Reason.ROLLING_OUT, f"{workload.updated} of {workload.wanted} pods run the new version")


def _turn(workload: Workload) -> str:
    return f"keeps its former version until {workload.waits_for} has taken the change and answers"


def _owns(workload: Workload, pod: Mapping[str, Any]) -> bool:
    labels = pod["metadata"].get("labels", {})
    return bool(labels.get(COMPONENT, "") == workload.component and labels.get(SIZE, "") == workload.size)
