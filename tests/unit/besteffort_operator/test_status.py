from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.router_report import PolicyReport
from besteffort_operator.scaling import Decision
from besteffort_operator.status import status_of
from besteffort_operator.workload import WAITS_FOR
from support.live import deployment, heard, pod, service, view

if TYPE_CHECKING:
    from besteffort_operator.view import View

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
DIGEST = "ab" * 32
BUNDLE = {"configMapRef": {"name": "p", "key": "p.safetensors"}}
DEDICATED = service(placement={"mode": "Dedicated"}, policy={"kind": "Learned", "bundle": BUNDLE})
ROUTER = deployment("assistant-router", "router")
LEARNED = heard("a", policy=PolicyReport("Learned", "Enforce", DIGEST, 1_700_000_000.7, ""))


def serving(**more: Any) -> View:
    children = (
        deployment("assistant-triton-small", size="small"),
        deployment("assistant-triton-large", size="large", wanted=2, ready=1),
        ROUTER,
    )
    loading = pod("p", size="large", container={"state": {"running": {}}, "started": False})
    return view(DEDICATED, *children, pods=(loading,), **({"routers": (LEARNED,)} | more))


def test_a_status_has_the_facts_beside_the_conditions() -> None:
    status = status_of(serving(), previous={}, now=NOW)
    assert status["observedGeneration"] == 3
    assert status["url"] == "assistant.models.svc:8001"
    assert status["sizesReady"] == "1/2"
    assert status["sizes"] == [
        {"name": "small", "ready": 1, "wanted": 1, "message": ""},
        {
            "name": "large",
            "ready": 1,
            "wanted": 2,
            "message": "pod p: container triton has not yet passed its start-up probe",
        },
    ]
    assert status["policy"] == {
        "kind": "Learned",
        "mode": "Enforce",
        "digest": DIGEST,
        "loadedAt": "2023-11-14T22:13:20Z",
        "routers": "1/1",
    }
    assert "scaling" not in status
    assert {condition["type"] for condition in status["conditions"]} >= {"Ready", "Progressing", "Degraded"}


def test_a_size_that_waits_its_turn_counts_as_ready_while_it_serves() -> None:
    held = deployment("assistant-triton-small", size="small", annotations={WAITS_FOR: "assistant-triton-large"})
    changing = deployment("assistant-triton-large", size="large", ready=0, rolled_out=False, revision=2)
    status = status_of(view(DEDICATED, held, changing, ROUTER), previous={}, now=NOW)
    assert status["sizesReady"] == "1/2"
    waits = "keeps its former version until assistant-triton-large has taken the change and answers"
    assert status["sizes"][0]["message"] == waits


def test_an_unchanged_view_gives_the_same_status_at_any_time() -> None:
    first = status_of(serving(), previous={}, now=NOW)
    later = status_of(serving(), previous=first, now=NOW + timedelta(hours=1))
    assert later == first


def test_the_policy_that_ran_last_is_kept_while_no_router_answers() -> None:
    first = status_of(serving(), previous={}, now=NOW)
    silent = status_of(serving(routers=(heard(silent=True),)), previous=first, now=NOW)
    assert silent["policy"] == first["policy"] | {"routers": "0/1"}


def test_scaling_says_what_is_there_what_is_wanted_and_why() -> None:
    known = service(placement={"scaling": {"maxReplicas": 4}})
    decision = Decision(4, Reason.SCALING, "from 2 to 4: more work waits than 150ms for each server")
    seen = view(known, deployment("assistant-triton", wanted=2), ROUTER, decisions={"assistant-triton": decision})
    assert status_of(seen, previous={}, now=NOW)["scaling"] == [
        {"deployment": "assistant-triton", "replicas": 2, "wanted": 4, "reason": decision.sentence}
    ]


def test_a_sidecar_is_called_beside_the_client() -> None:
    known = service(router={"mode": "Sidecar"})
    assert status_of(view(known), previous={}, now=NOW)["url"] == "127.0.0.1:8001"


def test_a_refused_resource_keeps_what_is_known_of_the_version_that_runs() -> None:
    first = status_of(serving(), previous={}, now=NOW)
    refused = view(None, faults=(Finding(Reason.INVALID_RESOURCE, "spec.sizes: two are named small"),))
    status = status_of(refused, previous=first, now=NOW)
    by_type = {condition["type"]: condition for condition in status["conditions"]}
    assert by_type["Ready"]["reason"] == "InvalidResource"
    assert by_type["SizesAvailable"]["status"] == "True"
    assert len(by_type) == len(status["conditions"])
    assert status["url"] == first["url"]


def test_a_resource_that_was_never_valid_has_conditions_alone() -> None:
    refused = view(None, faults=(Finding(Reason.INVALID_RESOURCE, "spec: bad"),))
    status = status_of(refused, previous={}, now=NOW)
    assert set(status) == {"observedGeneration", "conditions"}
