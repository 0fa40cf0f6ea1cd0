"""Pure: a view of a service -> its conditions, each with a reason and a sentence.

Ready: SizesAvailable and RouterReady, and the resource is one that can be run.
SizesAvailable: at least one size has a Triton server that is available, so that requests get an answer.
AllSizesReady: every size has all the servers that it should have, of the wanted version.
RouterReady: at least one router is available and reaches a size (Gateway); with Sidecar routers are the clients' own.
PolicyLoaded: every router that answers runs the wanted policy with its bundle; Unknown while none answers.
ScalingReady: what changes the number of servers can do so; only where the number follows the load.
Progressing: a change is on its way.
Degraded: somebody must act, even if requests are answered; True is bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from besteffort_operator.config_state import config_spreading
from besteffort_operator.diagnosis import worst
from besteffort_operator.manifests.metadata import INJECT_LABEL
from besteffort_operator.policy_state import SILENT_S, policy_state
from besteffort_operator.reasons import Finding, Reason, is_fault
from besteffort_operator.scalers import scaler_states
from besteffort_operator.view import size_states, workload_finding
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from besteffort_operator.view import SizeState, View
    from besteffort_resource.service import BestEffortService

__all__ = ["Condition", "conditions", "time_text"]

MESSAGE_SHOWN = 1000
NOT_RUN = (Reason.INVALID_RESOURCE, Reason.NOT_CALIBRATED)
"""With such a fault nothing of the new version of the resource is done."""


@dataclass(frozen=True)
class Condition:
    """One condition; `status` is True, False or Unknown."""

    type: str
    status: str
    reason: Reason
    message: str
    observed_generation: int
    last_transition_time: str

    def as_mapping(self) -> dict[str, Any]:
        """Return it as it stands in the status."""
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason.value,
            "message": self.message,
            "observedGeneration": self.observed_generation,
            "lastTransitionTime": self.last_transition_time,
        }


@dataclass(frozen=True)
class _Judged:
    status: str
    finding: Finding


def conditions(view: View, previous: Sequence[Mapping[str, Any]], now: datetime) -> list[Condition]:
    """Return the conditions in the order of the module's docstring.

    A transition time of `previous`, the conditions in the live status, is kept where the status is the same.
    """
    found = _of_service(view, view.service) if view.service else _of_refused(view)
    before = {condition["type"]: condition for condition in previous}
    return [_dated(kind, judged, view, before.get(kind, {}), now) for kind, judged in found.items()]


def time_text(moment: datetime) -> str:
    """Return a time in UTC as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _dated(kind: str, judged: _Judged, view: View, before: Mapping[str, Any], now: datetime) -> Condition:
    since = str(before["lastTransitionTime"]) if before.get("status") == judged.status else time_text(now)
    message = judged.finding.sentence
    message = message if len(message) <= MESSAGE_SHOWN else message[: MESSAGE_SHOWN - 3] + "..."
    return Condition(kind, judged.status, judged.finding.reason, message, view.generation, since)


def _of_refused(view: View) -> dict[str, _Judged]:
    fault = _joined(view.faults, Finding(Reason.INVALID_RESOURCE, "the resource is refused"))
    kinds = {"Ready": "False", "Progressing": "False", "Degraded": "True"}
    return {kind: _Judged(status, fault) for kind, status in kinds.items()}


def _of_service(view: View, service: BestEffortService) -> dict[str, _Judged]:
    sizes = size_states(service, view)
    available, router = _sizes_available(sizes), _router_ready(service, view, sizes)
    policy, scaling = _policy_loaded(service, view, router), _scaling_ready(service, view)
    parts = [*_named(sizes), *view.faults, router.finding, *_of_routers(view), policy.finding]
    parts += [scaling.finding] if scaling else []
    return {
        "Ready": _ready(view, available, router),
        "SizesAvailable": available,
        "AllSizesReady": _all_sizes_ready(sizes),
        "RouterReady": router,
        "PolicyLoaded": policy,
        **({"ScalingReady": scaling} if scaling else {}),
        "Progressing": _progressing(view, policy),
        "Degraded": _degraded(parts),
    }


def _ready(view: View, available: _Judged, router: _Judged) -> _Judged:
    not_run = [fault for fault in view.faults if fault.reason in NOT_RUN]
    if not_run:
        return _Judged("False", _joined(not_run, not_run[0]))
    for part in (available, router):
        if part.status != "True":
            return _Judged("False", part.finding)
    sentence = f"{available.finding.sentence}; {router.finding.sentence}"
    return _Judged("True", Finding(Reason.AVAILABLE, sentence))


def _sizes_available(sizes: Sequence[SizeState]) -> _Judged:
    answering = [state.name for state in sizes if state.available]
    if answering:
        sentence = f"{len(answering)} of {len(sizes)} sizes answer ({', '.join(answering)})"
        return _Judged("True", Finding(Reason.AVAILABLE, sentence))
    return _Judged("False", _of_sizes(sizes, "no size answers"))


def _all_sizes_ready(sizes: Sequence[SizeState]) -> _Judged:
    if any(state.finding for state in sizes):
        return _Judged("False", _of_sizes(sizes, "not every size is ready"))
    return _Judged("True", Finding(Reason.AVAILABLE, f"all {len(sizes)} sizes have all their servers"))


def _of_sizes(sizes: Sequence[SizeState], summary: str) -> Finding:
    return _joined(_named(sizes), Finding(Reason.STARTING_UP, summary))


def _named(sizes: Sequence[SizeState]) -> list[Finding]:
    """Return what keeps sizes from being ready; sizes of one Deployment are named together."""
    together: dict[str, list[SizeState]] = {}
    for state in sizes:
        together.setdefault(state.deployment, []).append(state)
    return [
        Finding(first.finding.reason, _sentence(states)) for states in together.values() if (first := states[0]).finding
    ]


def _sentence(states: Sequence[SizeState]) -> str:
    first = states[0]
    names = ("size " if len(states) == 1 else "sizes ") + ", ".join(state.name for state in states)
    why = first.finding.sentence if first.finding else ""
    return f"{names}, {min(first.ready, first.wanted)} of {first.wanted} ready: {why}"


def _router_ready(service: BestEffortService, view: View, sizes: Sequence[SizeState]) -> _Judged:
    said = [heard.report for heard in view.routers if heard.report and heard.age_s <= SILENT_S]
    if service.spec.router.mode is RouterMode.SIDECAR:
        return _Judged("True", _of_sidecars(service, view, len(said)))
    workloads = view.workloads("router", "router-canary")
    available, wanted = sum(w.available for w in workloads), sum(w.wanted for w in workloads)
    if available:
        return _Judged("True", Finding(Reason.AVAILABLE, f"{min(available, wanted)} of {wanted} routers are available"))
    if said and not any(backend.ready for report in said for backend in report.backends):
        if not any(state.available for state in sizes):
            return _Judged("False", Finding(Reason.WAITING_FOR_SIZES, "routers run, but no size is available yet"))
        return _Judged("False", Finding(Reason.SIZES_UNSEEN, "sizes are available, but no router reaches one"))
    finding = worst([*(workload_finding(workload, view.pods) for workload in workloads), *view.faults])
    return _Judged("False", finding or Finding(Reason.STARTING_UP, "the routers are not there yet"))


def _of_sidecars(service: BestEffortService, view: View, answering: int) -> Finding:
    if view.routers:
        return Finding(Reason.AVAILABLE, f"{answering} of {len(view.routers)} sidecar routers answer")
    label = f"{INJECT_LABEL}={service.metadata.name}"
    return Finding(
        Reason.NO_SIDECAR_YET, f"no pod with the label {label} has a router yet; is the chart's webhook.enabled true?"
    )


def _of_routers(view: View) -> list[Finding]:
    """Return what keeps some routers from being ready, even while others are."""
    held_up = [(w, workload_finding(w, view.pods)) for w in view.workloads("router", "router-canary") if w.available]
    return [Finding(found.reason, f"{w.name}: {found.sentence}") for w, found in held_up if found]


def _policy_loaded(service: BestEffortService, view: View, router: _Judged) -> _Judged:
    state = policy_state(service.spec.policy, view.routers)
    if not state.known:
        if router.finding.reason is Reason.NO_SIDECAR_YET:
            return _Judged("Unknown", router.finding)
        if router.status != "True":
            return _Judged("Unknown", Finding(Reason.NO_ROUTER_YET, "no router is ready yet: see RouterReady"))
        return _Judged("Unknown", state.finding)
    return _Judged("True" if state.finding.reason is Reason.LOADED else "False", state.finding)


def _scaling_ready(service: BestEffortService, view: View) -> _Judged | None:
    found = [
        Finding(state.finding.reason, f"{state.deployment}: {state.finding.sentence}")
        for state in scaler_states(service, view)
    ]
    if not found:
        return None
    finding = _joined(found, found[0])
    unsure = {Reason.NO_BACKLOG_KNOWN, Reason.STARTING_UP}
    status = "False" if is_fault(finding.reason) else "True"
    return _Judged("Unknown" if finding.reason in unsure else status, finding)


def _progressing(view: View, policy: _Judged) -> _Judged:
    held_up = [(w, finding) for w in view.workloads() if (finding := workload_finding(w, view.pods))]
    # What is lost after a change was complete comes back by itself, unless somebody must act.
    moving = [(w, f) for w, f in held_up if not w.overdue and not (w.rolled_out and is_fault(f.reason))]
    late = [(w, f) for w, f in held_up if w.overdue]
    found = [Finding(finding.reason, f"{w.name}: {finding.sentence}") for w, finding in moving or late]
    if found:
        return _Judged("True" if moving else "False", _joined(found, found[0]))
    spreading = policy.finding if policy.finding.reason is Reason.CHANGE_SPREADING else config_spreading(view)
    if spreading:
        return _Judged("True", spreading)
    return _Judged("False", Finding(Reason.SETTLED, "no change is under way"))


def _degraded(findings: Iterable[Finding]) -> _Judged:
    faults = [finding for finding in findings if is_fault(finding.reason)]
    if faults:
        return _Judged("True", _joined(faults, faults[0]))
    return _Judged("False", Finding(Reason.HEALTHY, "nothing calls for somebody to act"))


def _joined(findings: Sequence[Finding], nothing: Finding) -> Finding:
    """Return all sentences as one with the worst reason; `nothing` where there is no finding."""
    gravest = worst(findings)
    if gravest is None:
        return nothing
    sentences = dict.fromkeys([gravest.sentence, *(finding.sentence for finding in findings)])
    return Finding(gravest.reason, "; ".join(sentences))
