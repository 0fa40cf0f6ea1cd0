from __future__ import annotations

from dataclasses import replace
from typing import Any

from besteffort_operator.manifests.build import wanted
from support.manifests import CONTEXT, of_kind, one
from support.services import service, size

NAME = "assistant-triton"


def scaled(engine: str, **more: Any) -> dict[str, Any]:
    return {"scaling": {"minReplicas": 2, "maxReplicas": 8, "engine": engine} | more}


def test_an_hpa_holds_the_work_that_waits_to_the_target_of_each_server() -> None:
    hpa = one(wanted(service(placement=scaled("HPA")), CONTEXT), "HorizontalPodAutoscaler", NAME)["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (2, 8)
    (metric,) = hpa["metrics"]
    assert metric["external"]["target"] == {"type": "AverageValue", "averageValue": "150m"}
    assert metric["external"]["metric"]["name"] == "besteffort_backlog_seconds"


def test_a_dedicated_server_scales_on_the_work_of_its_size() -> None:
    sizes = (size("small"), size("large", **scaled("HPA")))
    hpa = one(
        wanted(service(*sizes, placement={"mode": "Dedicated"}), CONTEXT), "HorizontalPodAutoscaler", f"{NAME}-large"
    )
    labels = hpa["spec"]["metrics"][0]["external"]["metric"]["selector"]["matchLabels"]
    assert labels == {"besteffort_service": "assistant", "size": "large"}


def test_the_series_that_keda_asks_for_have_the_labels_that_the_monitor_gives_them() -> None:
    found = wanted(service(placement=scaled("KEDA", prometheusAddress="http://p:9090")), CONTEXT)
    (relabeling,) = one(found, "PodMonitor", "assistant")["spec"]["podMetricsEndpoints"][0]["relabelings"]
    (trigger,) = one(found, "ScaledObject", NAME)["spec"]["triggers"]
    assert f'{relabeling["targetLabel"]}="assistant"' in trigger["metadata"]["query"]
    assert trigger["metadata"]["threshold"] == "0.15"


def test_keda_asks_the_routers_where_no_prometheus_is_named() -> None:
    (trigger,) = one(wanted(service(placement=scaled("KEDA")), CONTEXT), "ScaledObject", NAME)["spec"]["triggers"]
    assert trigger["type"] == "external"
    assert trigger["metadata"]["scalerAddress"] == "assistant.models.svc:8001"


def test_without_keda_nothing_is_written_and_replicas_stay_as_they_are() -> None:
    found = wanted(service(placement=scaled("KEDA")), replace(CONTEXT, available_kinds=frozenset()))
    assert not of_kind(found, "ScaledObject", "HorizontalPodAutoscaler")
    assert "replicas" not in one(found, "Deployment", NAME)["spec"]


def test_scaling_down_waits_as_long_as_is_said() -> None:
    found = wanted(service(placement=scaled("HPA", scaleDownDelay="90s")), CONTEXT)
    behavior = one(found, "HorizontalPodAutoscaler", NAME)["spec"]["behavior"]
    assert behavior == {"scaleDown": {"stabilizationWindowSeconds": 90}}


def test_keda_speaks_tls_to_routers_that_do() -> None:
    found = wanted(service(placement=scaled("KEDA"), router={"tls": {"secretName": "cert"}}), CONTEXT)
    (trigger,) = one(found, "ScaledObject", NAME)["spec"]["triggers"]
    assert trigger["metadata"]["enableTLS"] == "true"


def test_routers_scale_on_their_cpu() -> None:
    found = wanted(service(router={"scaling": {"maxReplicas": 6, "cpuPercent": 55}}), CONTEXT)
    (metric,) = one(found, "HorizontalPodAutoscaler", "assistant-router")["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}
    requests = one(found, "Deployment", "assistant-router")["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert "cpu" in requests["requests"]
