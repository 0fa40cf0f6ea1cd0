"""Pure: why pods are not ready, from what the scheduler and the node say about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from besteffort_operator.reasons import Finding, Reason, is_fault
from besteffort_operator.workload import condition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["finding_of_pod", "finding_of_refusal", "worst", "worst_of_pods"]

SENTENCE_SHOWN = 300
WAITING = {
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
    "ErrImageNeverPull": Reason.IMAGE_PULL_FAILED,
    "InvalidImageName": Reason.IMAGE_PULL_FAILED,
    "CreateContainerConfigError": Reason.CONFIGURATION_MISSING,
    "CreateContainerError": Reason.CONFIGURATION_MISSING,
    "RunContainerError": Reason.CONFIGURATION_MISSING,
}
LOAD_FAILED = ("failed to load", "failed to poll model repository", "creating server: ")
ORDER = {reason: place for place, reason in enumerate(Reason)}


def worst(findings: Iterable[Finding | None]) -> Finding | None:
    """Return the finding that says most: faults before what takes time, then in the order of the reasons."""
    return min(
        filter(None, findings), key=lambda found: (not is_fault(found.reason), ORDER[found.reason]), default=None
    )


def worst_of_pods(pods: Iterable[Mapping[str, Any]]) -> Finding | None:
    """Return the worst that holds pods up, with the pod's name; None if none is held up. Pods that go are left out."""
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return worst(finding_of_pod(pod) for pod in sorted(staying, key=lambda pod: str(pod["metadata"]["name"])))


def finding_of_pod(pod: Mapping[str, Any]) -> Finding | None:
    """Return what holds a pod up, None if it is ready or has ended."""
    status = pod.get("status", {})
    ended = status.get("phase") in ("Succeeded", "Failed")
    if ended or condition_of(pod, "Ready").get("status") == "True":
        return None
    found = _unscheduled(pod) or worst(_findings_of_containers(status))
    found = found or Finding(Reason.STARTING_UP, "containers are being made")
    return Finding(found.reason, f"pod {pod['metadata']['name']}: {found.sentence}")


def finding_of_refusal(message: str) -> Finding:
    """Return what the API server means by refusing an object."""
    if "exceeded quota" in message:
        return Finding(Reason.QUOTA_EXCEEDED, _short(message))
    return Finding(Reason.FORBIDDEN if "forbidden" in message else Reason.REFUSED, _short(message))


def _unscheduled(pod: Mapping[str, Any]) -> Finding | None:
    placed = condition_of(pod, "PodScheduled")
    if placed.get("status") != "False":
        return None
    if placed.get("reason") == "Unschedulable":
        return Finding(Reason.UNSCHEDULABLE, _short(placed.get("message", "no node takes it")) + _wished(pod))
    return Finding(Reason.STARTING_UP, _short(placed.get("message", "waits for a node")))


def _wished(pod: Mapping[str, Any]) -> str:
    """Return which labels the pod wants of a node: the scheduler says only that they do not match."""
    wanted = pod.get("spec", {}).get("nodeSelector", {})
    return f"; wants {', '.join(f'{name}={value}' for name, value in wanted.items())}" if wanted else ""


def _findings_of_containers(status: Mapping[str, Any]) -> Iterator[Finding]:
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        state = container.get("state", {})
        last = state.get("terminated") or container.get("lastState", {}).get("terminated") or {}
        # An init container that has done its work has ended well.
        ended = bool(last) and (last.get("exitCode") != 0 or "waiting" in state)
        if ended and not container.get("ready"):
            yield _ended(container, last)
        elif "waiting" in state:
            yield _waiting(container, state["waiting"])
        elif "running" in state and not container.get("ready"):
            yield _unready(container)


def _ended(container: Mapping[str, Any], last: Mapping[str, Any]) -> Finding:
    words, name = str(last.get("message", "")).strip(), container["name"]
    exit_text = f"last exit {last.get('exitCode')} ({last.get('reason', 'Error')})"
    if last.get("reason") == "OOMKilled":
        return Finding(Reason.OUT_OF_MEMORY, f"container {name} took more memory than its limit")
    if any(text in words for text in LOAD_FAILED):
        return Finding(Reason.MODEL_LOAD_FAILED, f"container {name}: {_tail(words)}")
    said = f": {_tail(words)}" if words else ""
    return Finding(Reason.CRASH_LOOPING, f"container {name}, {exit_text}{said}")


def _waiting(container: Mapping[str, Any], waiting: Mapping[str, Any]) -> Finding:
    reason = str(waiting.get("reason", ""))
    if reason in WAITING:
        message = waiting.get("message") or reason
        return Finding(WAITING[reason], f"container {container['name']}: {_short(message)}")
    return Finding(Reason.STARTING_UP, f"container {container['name']} is being made")


def _unready(container: Mapping[str, Any]) -> Finding:
    name = container["name"]
    if container.get("started"):
        return Finding(Reason.NOT_ANSWERING, f"container {name} does not pass its readiness probe")
    return Finding(Reason.LOADING_MODEL, f"container {name} has not yet passed its start-up probe")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SENTENCE_SHOWN else line[: SENTENCE_SHOWN - 3] + "..."


def _tail(text: str) -> str:
    """Return the end of what a container said: there stands why it ended."""
    line = " ".join(text.split())
    return line if len(line) <= SENTENCE_SHOWN else "..." + line[-SENTENCE_SHOWN + 3 :]
