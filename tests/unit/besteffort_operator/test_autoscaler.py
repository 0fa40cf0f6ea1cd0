"""The operator's own autoscaler keeps what it heard, for each Deployment of each service."""

from __future__ import annotations

from typing import Any

from besteffort_operator.autoscaler import Autoscaler
from besteffort_operator.router_report import BackendReport
from besteffort_operator.work import Key
from support.live import deployment, heard, service

KEY = Key("models", "assistant")
SCALING = {"minReplicas": 1, "maxReplicas": 8, "target": {"backlog": "100ms"}}


def routers(backlog_s: float, age_s: float = 1.0) -> list[Any]:
    return [heard(backends=(BackendReport("small", "a", ready=True, backlog_s=backlog_s),), age_s=age_s)]


def test_more_work_than_the_target_asks_for_more_servers() -> None:
    colocated = service(placement={"scaling": SCALING})
    live = [deployment("assistant-triton", wanted=1)]
    found = Autoscaler().decisions(KEY, colocated, live, routers(0.2), 100.0)
    assert found["assistant-triton"].replicas == 2


def test_a_deployment_that_is_not_there_yet_is_left_to_the_resource() -> None:
    assert Autoscaler().decisions(KEY, service(placement={"scaling": SCALING}), [], routers(9.0), 100.0) == {}


def test_what_another_engine_scales_is_not_decided_here() -> None:
    by_hpa = service(placement={"scaling": SCALING | {"engine": "HPA"}})
    assert Autoscaler().decisions(KEY, by_hpa, [deployment("assistant-triton")], routers(9.0), 100.0) == {}


def test_fewer_servers_come_only_after_the_delay_that_it_remembers() -> None:
    scaler, delayed = Autoscaler(), service(placement={"scaling": SCALING | {"scaleDownDelay": "30s"}})
    live = [deployment("assistant-triton", wanted=4)]
    counts = [
        scaler.decisions(KEY, delayed, live, routers(0.05, age_s=0.0), 100.0 + second)["assistant-triton"].replicas
        for second in range(0, 61, 5)
    ]
    assert counts[0] == 4
    assert counts[-1] < 4


def test_of_a_service_that_is_gone_nothing_is_remembered() -> None:
    scaler, colocated = Autoscaler(), service(placement={"scaling": SCALING})
    scaler.decisions(KEY, colocated, [deployment("assistant-triton")], routers(0.2), 100.0)
    scaler.forget(KEY)
    assert scaler._histories == {}
