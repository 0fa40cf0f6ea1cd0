from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.reasons import Reason
from besteffort_operator.scalers import scaler_states
from besteffort_operator.scaling import Decision
from support.live import deployment, service, view


def scaler(kind: str, target: str, *conditions: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": target},
        "spec": {"scaleTargetRef": {"name": target}},
        "status": {"conditions": list(conditions)},
    }


def scaled(engine: str) -> Any:
    return service(placement={"scaling": {"maxReplicas": 4, "engine": engine}})


def test_a_fixed_number_has_no_scaler() -> None:
    assert scaler_states(service(), view(service())) == ()


def test_the_operators_own_decision_is_told() -> None:
    known = scaled("Operator")
    decision = Decision(3, Reason.SCALING, "from 2 to 3: more work waits")
    seen = view(known, deployment("assistant-triton", wanted=2), decisions={"assistant-triton": decision})
    (state,) = scaler_states(known, seen)
    assert (state.deployment, state.replicas, state.wanted) == ("assistant-triton", 2, 3)
    assert state.finding.sentence == "from 2 to 3: more work waits"


def test_without_a_decision_yet_the_backlog_is_unknown() -> None:
    known = scaled("Operator")
    (state,) = scaler_states(known, view(known, deployment("assistant-triton", wanted=2)))
    assert (state.wanted, state.finding.reason) == (2, Reason.NO_BACKLOG_KNOWN)


def test_keda_is_missed_where_the_cluster_lacks_it() -> None:
    known = scaled("KEDA")
    (state,) = scaler_states(known, view(known))
    assert state.finding.reason is Reason.KEDA_MISSING
    (state,) = scaler_states(known, view(known, available_kinds=frozenset({"ScaledObject"})))
    assert state.finding.reason is Reason.STARTING_UP


@pytest.mark.parametrize(
    ("engine", "kind", "condition"),
    [("HPA", "HorizontalPodAutoscaler", "ScalingActive"), ("KEDA", "ScaledObject", "Ready")],
)
def test_a_scaler_that_cannot_read_its_metric_is_quoted(engine: str, kind: str, condition: str) -> None:
    known = scaled(engine)
    failing = {"type": condition, "status": "False", "reason": "FailedGetPodsMetric", "message": "no metrics known"}
    children = (deployment("assistant-triton"), scaler(kind, "assistant-triton", failing))
    (state,) = scaler_states(known, view(known, *children, available_kinds=frozenset({kind})))
    assert state.finding.reason is Reason.SCALER_FAILING
    assert state.finding.sentence == f"{kind} assistant-triton: no metrics known"


def test_a_scaler_that_works_says_who_scales() -> None:
    known = scaled("HPA")
    works = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
    children = (deployment("assistant-triton", wanted=3), scaler("HorizontalPodAutoscaler", "assistant-triton", works))
    (state,) = scaler_states(known, view(known, *children))
    assert (state.wanted, state.finding.reason) == (3, Reason.SCALING)


def test_routers_that_scale_are_listed_beside_the_servers() -> None:
    known = service(placement={"scaling": {"maxReplicas": 4}}, router={"scaling": {"maxReplicas": 3}})
    assert [state.deployment for state in scaler_states(known, view(known))] == ["assistant-router", "assistant-triton"]
