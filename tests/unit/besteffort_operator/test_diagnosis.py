from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.diagnosis import finding_of_pod, finding_of_refusal, worst, worst_of_pods
from besteffort_operator.reasons import Finding, Reason
from support.live import pod

SCHEDULER = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
CASES: list[tuple[str, dict[str, Any], Reason, str]] = [
    (
        "an image that is not there",
        {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "nowhere/x:1"'}}},
        Reason.IMAGE_PULL_FAILED,
        'Back-off pulling image "nowhere/x:1"',
    ),
    (
        "a Secret that is not there",
        {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "hub" not found'}}},
        Reason.CONFIGURATION_MISSING,
        'secret "hub" not found',
    ),
    (
        "being made",
        {"state": {"waiting": {"reason": "ContainerCreating"}}},
        Reason.STARTING_UP,
        "container triton is being made",
    ),
    (
        "out of memory",
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        },
        Reason.OUT_OF_MEMORY,
        "more memory than its limit",
    ),
    (
        "a model that does not load",
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {
                "terminated": {"exitCode": 1, "message": "E1 model.cc] failed to load 'large' version 1: gone"}
            },
        },
        Reason.MODEL_LOAD_FAILED,
        "failed to load 'large' version 1: gone",
    ),
    (
        "killed again and again",
        {
            "state": {"running": {}},
            "started": False,
            "lastState": {"terminated": {"exitCode": 137, "reason": "Error"}},
        },
        Reason.CRASH_LOOPING,
        "last exit 137 (Error)",
    ),
    (
        "ended just now",
        {"state": {"terminated": {"exitCode": 2, "reason": "Error", "message": "bad flag"}}},
        Reason.CRASH_LOOPING,
        "last exit 2 (Error): bad flag",
    ),
    ("loading", {"state": {"running": {}}, "started": False}, Reason.LOADING_MODEL, "start-up probe"),
    ("no longer ready", {"state": {"running": {}}, "started": True}, Reason.NOT_ANSWERING, "readiness probe"),
]


@pytest.mark.parametrize(("container", "reason", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_container_says_what_holds_its_pod_up(container: dict[str, Any], reason: Reason, words: str) -> None:
    found = finding_of_pod(pod("p", container=container))
    assert found
    assert found.reason is reason
    assert found.sentence.startswith("pod p: ")
    assert words in found.sentence


def test_the_labels_that_a_pod_wants_of_a_node_are_said_after_the_scheduler_s_words() -> None:
    wanting = pod("p", unschedulable=SCHEDULER)
    wanting["spec"] = {"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB", "pool": "a"}}
    found = finding_of_pod(wanting)
    assert found
    assert found.sentence == f"pod p: {SCHEDULER}; wants nvidia.com/gpu.product=NVIDIA-A100-SXM4-80GB, pool=a"


def test_the_scheduler_is_quoted() -> None:
    assert finding_of_pod(pod("p", unschedulable=SCHEDULER)) == Finding(Reason.UNSCHEDULABLE, f"pod p: {SCHEDULER}")


def test_a_scheduling_gate_is_no_fault() -> None:
    gated = pod("p", unschedulable="Scheduling is blocked due to non-empty scheduling gates")
    gated["status"]["conditions"][-1]["reason"] = "SchedulingGated"
    found = finding_of_pod(gated)
    assert found
    assert found.reason is Reason.STARTING_UP


def test_nothing_holds_up_a_pod_that_is_ready_or_has_ended() -> None:
    evicted = pod("p")
    evicted["status"]["phase"] = "Failed"
    assert finding_of_pod(pod("p", ready=True)) is None
    assert finding_of_pod(evicted) is None


def test_an_init_container_that_failed_is_found_and_one_that_has_done_its_work_is_not() -> None:
    waiting = pod("p", container={"state": {"waiting": {"reason": "PodInitializing"}}})
    waiting["status"]["initContainerStatuses"] = [
        {"name": "fetch", "ready": True, "state": {"terminated": {"exitCode": 0}}},
        {"name": "write", "ready": False, "state": {"terminated": {"exitCode": 3, "reason": "Error"}}},
    ]
    found = finding_of_pod(waiting)
    assert found
    assert found.sentence == "pod p: container write, last exit 3 (Error)"


def test_the_worst_pod_speaks_and_a_pod_that_goes_does_not() -> None:
    pods = [
        pod("b", container={"state": {"running": {}}, "started": False}),
        pod("c", unschedulable=SCHEDULER),
        pod("a", container={"state": {"waiting": {"reason": "ErrImagePull"}}}, deleted=True),
    ]
    found = worst_of_pods(pods)
    assert found
    assert found.sentence == f"pod c: {SCHEDULER}"


def test_of_equal_pods_the_first_by_name_speaks_so_that_the_message_does_not_change() -> None:
    pods = [pod(name, unschedulable=SCHEDULER) for name in ("b", "a", "c")]
    assert worst_of_pods(pods) == worst_of_pods(reversed(pods)) == Finding(Reason.UNSCHEDULABLE, f"pod a: {SCHEDULER}")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: gpus, requested: 1, used: 4, limited: 4', Reason.QUOTA_EXCEEDED),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', Reason.FORBIDDEN),
        ("admission webhook denied the request: no", Reason.REFUSED),
    ],
)
def test_a_refusal_is_told_by_its_words(message: str, reason: Reason) -> None:
    assert finding_of_refusal(message) == Finding(reason, message)


def test_long_messages_are_cut_at_the_end_and_last_words_at_the_beginning() -> None:
    state = {"state": {"terminated": {"exitCode": 1, "message": "failed to load " + "x" * 999 + " the cause"}}}
    found = finding_of_pod(pod("p", container=state))
    assert found
    assert found.sentence.endswith("the cause")
    assert len(found.sentence) < 350
    assert finding_of_refusal("y" * 999).sentence.endswith("y...")


def test_nothing_is_the_worst_of_nothing() -> None:
    assert worst([None, None]) is None
