from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from besteffort_operator.conditions import MESSAGE_SHOWN, conditions
from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.router_report import BackendReport, PolicyReport
from besteffort_operator.workload import WAITS_FOR
from support.live import deployment, heard, pod, service, view

if TYPE_CHECKING:
    from besteffort_operator.conditions import Condition
    from besteffort_operator.view import View

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SCHEDULER = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
COLOCATED, DEDICATED = service(), service(placement={"mode": "Dedicated"})
ROUTER = deployment("assistant-router", "router", wanted=2)
SERVING = (heard("a"), heard("b"))


def judged(seen: View) -> dict[str, Condition]:
    return {condition.type: condition for condition in conditions(seen, (), NOW)}


def said(seen: View) -> dict[str, tuple[str, str]]:
    return {name: (condition.status, condition.reason.value) for name, condition in judged(seen).items()}


def colocated(**how: Any) -> View:
    return view(COLOCATED, deployment("assistant-triton", **how), ROUTER, routers=SERVING)


def dedicated(small: dict[str, Any], large: dict[str, Any], **more: Any) -> View:
    children = (
        deployment("assistant-triton-small", size="small", **small),
        deployment("assistant-triton-large", size="large", **large),
        ROUTER,
    )
    return view(DEDICATED, *children, **({"routers": SERVING} | more))


def test_all_is_well() -> None:
    assert said(colocated(wanted=2)) == {
        "Ready": ("True", "Available"),
        "SizesAvailable": ("True", "Available"),
        "AllSizesReady": ("True", "Available"),
        "RouterReady": ("True", "Available"),
        "PolicyLoaded": ("True", "Loaded"),
        "Progressing": ("False", "Settled"),
        "Degraded": ("False", "Healthy"),
    }


def test_at_first_sight_it_starts_up_and_nothing_is_degraded() -> None:
    assert said(view(COLOCATED)) == {
        "Ready": ("False", "StartingUp"),
        "SizesAvailable": ("False", "StartingUp"),
        "AllSizesReady": ("False", "StartingUp"),
        "RouterReady": ("False", "StartingUp"),
        "PolicyLoaded": ("Unknown", "NoRouterYet"),
        "Progressing": ("False", "Settled"),
        "Degraded": ("False", "Healthy"),
    }


def test_too_few_gpus_are_quoted_from_the_scheduler_and_one_size_that_serves_is_enough() -> None:
    seen = dedicated(
        {}, {"wanted": 2, "ready": 0, "rolled_out": False}, pods=(pod("p", size="large", unschedulable=SCHEDULER),)
    )
    found = judged(seen)
    assert said(seen)["Ready"] == ("True", "Available")
    assert found["Ready"].message == "1 of 2 sizes answer (small); 2 of 2 routers are available"
    assert (found["AllSizesReady"].status, found["AllSizesReady"].reason) == ("False", Reason.UNSCHEDULABLE)
    assert found["AllSizesReady"].message == f"size large, 0 of 2 ready: pod p: {SCHEDULER}"
    assert said(seen)["Progressing"] == ("True", "Unschedulable")
    assert said(seen)["Degraded"] == ("True", "Unschedulable")


def test_colocated_sizes_are_named_together() -> None:
    seen = view(
        COLOCATED,
        deployment("assistant-triton", wanted=2, ready=0),
        ROUTER,
        pods=(pod("p", unschedulable=SCHEDULER),),
        routers=SERVING,
    )
    assert judged(seen)["Ready"].message == f"sizes small, large, 0 of 2 ready: pod p: {SCHEDULER}"


def test_loading_a_model_is_progress_and_no_fault() -> None:
    loading = pod("p", container={"state": {"running": {}}, "started": False})
    seen = view(COLOCATED, deployment("assistant-triton", ready=0, rolled_out=False), ROUTER, pods=(loading,))
    assert said(seen)["Progressing"] == ("True", "LoadingModel")
    assert said(seen)["Degraded"] == ("False", "Healthy")


def test_pods_lost_to_a_fault_after_a_change_are_no_progress() -> None:
    seen = view(
        COLOCATED, deployment("assistant-triton", wanted=2, ready=1), ROUTER, pods=(pod("p", unschedulable=SCHEDULER),)
    )
    assert said(seen)["Progressing"] == ("False", "Settled")
    assert said(seen)["Degraded"] == ("True", "Unschedulable")


def test_a_change_that_takes_too_long_is_no_progress() -> None:
    found = judged(colocated(wanted=2, ready=1, overdue=True, rolled_out=False))
    assert (found["Progressing"].status, found["Progressing"].reason) == ("False", Reason.PROGRESS_DEADLINE_EXCEEDED)
    assert found["Degraded"].reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    assert found["Ready"].status == "True"


def test_a_size_that_waits_its_turn_says_for_whom() -> None:
    held = {WAITS_FOR: "assistant-triton-small"}
    seen = dedicated({"ready": 0, "rolled_out": False, "revision": 2}, {"annotations": held})
    found = judged(seen)
    assert found["Progressing"].status == "True"
    assert (
        "size large, 1 of 1 ready: keeps its former version until assistant-triton-small"
        in found["AllSizesReady"].message
    )
    assert found["Degraded"].status == "False"


def test_a_quota_that_is_used_up_is_named() -> None:
    refusal = 'pods "x" is forbidden: exceeded quota: gpus'
    found = judged(colocated(ready=0, rolled_out=False, refusal=refusal))
    assert found["Ready"].reason is Reason.QUOTA_EXCEEDED
    assert refusal in found["Ready"].message


def test_routers_without_a_size_wait_for_one() -> None:
    lost = BackendReport("small", "r", ready=False, backlog_s=0.0)
    router = deployment("assistant-router", "router", ready=0, rolled_out=False)
    starting = view(COLOCATED, deployment("assistant-triton", ready=0), router, routers=(heard(backends=(lost,)),))
    assert said(starting)["RouterReady"] == ("False", "WaitingForSizes")
    cut_off = view(COLOCATED, deployment("assistant-triton"), router, routers=(heard(backends=(lost,)),))
    assert said(cut_off)["RouterReady"] == ("False", "SizesUnseen")
    assert said(cut_off)["Ready"] == ("False", "SizesUnseen")
    assert said(cut_off)["Degraded"] == ("True", "SizesUnseen")


def test_routers_that_do_not_start_say_why() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    router = deployment("assistant-router", "router", ready=0, rolled_out=False)
    seen = view(
        COLOCATED, deployment("assistant-triton"), router, pods=(pod("r", component="router", container=waiting),)
    )
    assert said(seen)["Ready"] == ("False", "ImagePullFailed")


def test_a_router_that_crashes_beside_one_that_serves_degrades() -> None:
    crashed = {"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    router = deployment("assistant-router", "router", wanted=2, ready=1)
    pods = (pod("r", component="router", container=crashed),)
    seen = view(COLOCATED, deployment("assistant-triton"), router, pods=pods, routers=SERVING)
    assert said(seen)["RouterReady"] == ("True", "Available")
    assert said(seen)["Degraded"] == ("True", "CrashLooping")
    assert judged(seen)["Degraded"].message == "assistant-router: pod r: container triton, last exit 1 (Error)"


def test_routers_of_a_canary_serve_too() -> None:
    canary = deployment("assistant-router-canary", "router-canary")
    router = deployment("assistant-router", "router", ready=0)
    seen = view(COLOCATED, deployment("assistant-triton"), router, canary)
    assert judged(seen)["RouterReady"].message == "1 of 2 routers are available"


def test_sidecar_routers_belong_to_clients_and_none_is_needed() -> None:
    known = service(router={"mode": "Sidecar"})
    seen = view(known, deployment("assistant-triton"))
    assert said(seen)["Ready"] == ("True", "Available")
    found = judged(seen)["RouterReady"]
    assert (found.status, found.reason) == ("True", Reason.NO_SIDECAR_YET)
    assert found.message.startswith("no pod with the label serving.besteffort.dev/inject=assistant has a router yet")
    assert found.message in judged(seen)["Ready"].message
    assert said(seen)["PolicyLoaded"] == ("Unknown", "NoSidecarYet")
    assert said(seen)["Degraded"] == ("False", "Healthy")


def test_sidecar_routers_that_are_silent_are_counted() -> None:
    known = service(router={"mode": "Sidecar"})
    seen = view(known, deployment("assistant-triton"), routers=(heard("a"), heard("b", silent=True)))
    assert said(seen)["RouterReady"] == ("True", "Available")
    assert judged(seen)["RouterReady"].message == "1 of 2 sidecar routers answer"
    mute = view(known, deployment("assistant-triton"), routers=(heard("a", silent=True),))
    assert said(mute)["PolicyLoaded"] == ("Unknown", "NoRouterAnswers")


def test_routers_that_are_not_ready_are_not_said_to_be_cut_off_from_the_operator() -> None:
    router = deployment("assistant-router", "router", ready=0, rolled_out=False)
    seen = view(COLOCATED, deployment("assistant-triton"), router, routers=(heard("a", silent=True),))
    assert said(seen)["RouterReady"][0] == "False"
    assert said(seen)["PolicyLoaded"] == ("Unknown", "NoRouterYet")


def test_more_routers_than_wanted_are_not_counted_above_what_is_wanted() -> None:
    router = deployment("assistant-router", "router", wanted=1, ready=5)
    seen = view(COLOCATED, deployment("assistant-triton"), router, routers=SERVING)
    assert judged(seen)["RouterReady"].message == "1 of 1 routers are available"


def test_a_refused_bundle_degrades_but_does_not_stop() -> None:
    refused = heard(policy=PolicyReport("Price", "Enforce", "", 0.0, "policy bundle: bad header"))
    seen = view(COLOCATED, deployment("assistant-triton"), ROUTER, routers=(refused,))
    assert said(seen)["PolicyLoaded"] == ("False", "BundleRefused")
    assert said(seen)["Degraded"] == ("True", "BundleRefused")
    assert said(seen)["Ready"] == ("True", "Available")


def test_a_policy_that_spreads_is_progress() -> None:
    other = heard("c", policy=PolicyReport("Greedy", "Enforce", "", 0.0, ""))
    seen = view(COLOCATED, deployment("assistant-triton"), ROUTER, routers=(*SERVING, other))
    assert said(seen)["Progressing"] == ("True", "ChangeSpreading")


def test_a_configuration_that_spreads_is_progress() -> None:
    labels = {"app.kubernetes.io/component": "router"}
    config = {"kind": "ConfigMap", "metadata": {"name": "c", "labels": labels}, "data": {"router.json": "new"}}
    seen = view(COLOCATED, deployment("assistant-triton"), ROUTER, config, routers=SERVING)
    assert said(seen)["Progressing"] == ("True", "ChangeSpreading")
    assert said(seen)["Ready"] == ("True", "Available")


def test_while_a_number_of_servers_falls_no_more_are_said_to_be_ready_than_wanted() -> None:
    found = judged(colocated(wanted=1, ready=2, observed=False))
    assert found["AllSizesReady"].message == "sizes small, large, 1 of 1 ready: it has only just been changed"


def test_scaling_that_fails_degrades_and_one_that_knows_nothing_is_unknown() -> None:
    keda = service(placement={"scaling": {"maxReplicas": 4, "engine": "KEDA"}})
    seen = view(keda, deployment("assistant-triton"), ROUTER, routers=SERVING)
    assert said(seen)["ScalingReady"] == ("False", "KedaMissing")
    assert said(seen)["Degraded"] == ("True", "KedaMissing")
    own = service(placement={"scaling": {"maxReplicas": 4}})
    seen = view(own, deployment("assistant-triton"), ROUTER, routers=SERVING)
    assert said(seen)["ScalingReady"] == ("Unknown", "NoBacklogKnown")


def test_what_the_api_server_refuses_degrades_and_explains_what_is_missing() -> None:
    fault = Finding(Reason.FORBIDDEN, "deployments.apps is forbidden")
    seen = view(COLOCATED, ROUTER, faults=(fault,), routers=SERVING)
    assert said(seen)["Ready"] == ("False", "Forbidden")
    assert said(seen)["Degraded"] == ("True", "Forbidden")
    serving = view(COLOCATED, deployment("assistant-triton"), ROUTER, faults=(fault,), routers=SERVING)
    assert said(serving)["Ready"] == ("True", "Available")
    assert said(serving)["Degraded"] == ("True", "Forbidden")


@pytest.mark.parametrize("reason", [Reason.INVALID_RESOURCE, Reason.NOT_CALIBRATED])
def test_a_version_that_cannot_be_run_is_not_ready_even_while_the_former_serves(reason: Reason) -> None:
    fault = Finding(reason, "spec.sizes[0].quality: neither")
    seen = view(COLOCATED, deployment("assistant-triton"), ROUTER, faults=(fault,), routers=SERVING)
    assert said(seen)["Ready"] == ("False", reason.value)
    assert said(seen)["SizesAvailable"] == ("True", "Available")


def test_of_a_refused_resource_only_what_is_certain_is_said() -> None:
    faults = tuple(Finding(Reason.INVALID_RESOURCE, sentence) for sentence in ("spec.a: bad", "spec.b: worse"))
    found = judged(view(None, faults=faults))
    assert {name: condition.status for name, condition in found.items()} == {
        "Ready": "False",
        "Progressing": "False",
        "Degraded": "True",
    }
    assert found["Ready"].message == "spec.a: bad; spec.b: worse"


def test_a_transition_time_moves_only_with_the_status() -> None:
    first = [condition.as_mapping() for condition in conditions(view(COLOCATED), (), NOW)]
    later = NOW + timedelta(minutes=5)
    seen = colocated(ready=0)
    second = {condition.type: condition for condition in conditions(seen, first, later)}
    assert second["Ready"].status == "False"
    assert second["Ready"].last_transition_time == "2026-11-21T12:00:00Z"
    assert second["PolicyLoaded"].status == "True"
    assert second["PolicyLoaded"].last_transition_time == "2026-11-21T12:05:00Z"


def test_every_condition_says_which_generation_it_is_about_and_none_is_there_twice() -> None:
    found = conditions(colocated(), (), NOW)
    assert {condition.observed_generation for condition in found} == {3}
    assert len({condition.type for condition in found}) == len(found)


def test_a_message_is_bounded() -> None:
    fault = Finding(Reason.REFUSED, "x" * 5000)
    found = judged(view(COLOCATED, ROUTER, faults=(fault,)))
    assert len(found["Degraded"].message) == MESSAGE_SHOWN


def test_the_order_in_which_objects_are_listed_changes_nothing() -> None:
    pods = tuple(pod(name, size="large", unschedulable=SCHEDULER) for name in ("q", "p"))
    forward = dedicated({}, {"ready": 0}, pods=pods)
    children = tuple(reversed(forward.children))
    backward = view(DEDICATED, *children, pods=tuple(reversed(pods)), routers=SERVING)
    assert conditions(forward, (), NOW) == conditions(backward, (), NOW)
