from __future__ import annotations

import json
from typing import Any

import pytest

from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.router_container import SIDECAR, router_container
from besteffort_resource.errors import ResourceError
from besteffort_resource.service import BestEffortService
from support.manifests import CONTEXT, container_of, name_of, of_kind, one, pod_of
from support.restricted import violations
from support.services import hub_size, service, size

NAME = "assistant-router"
LEARNED = {"kind": "Learned", "bundle": {"configMapRef": {"name": "policy", "key": "a.safetensors"}}}
CANARY = {"canary": {"bundle": {"configMapRef": {"name": "next", "key": "b.safetensors"}}}}
MODE_SIDECAR = {"mode": "Sidecar"}


def deployment(found: BestEffortService, name: str = NAME) -> dict[str, Any]:
    return one(wanted(found, CONTEXT), "Deployment", name)


def config(found: BestEffortService, name: str = NAME) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(one(wanted(found, CONTEXT), "ConfigMap", name)["data"]["router.json"])
    return read


def digest_of(found: BestEffortService) -> str:
    annotations = deployment(found)["spec"]["template"]["metadata"]["annotations"]
    digest: str = annotations["serving.besteffort.dev/config"]
    return digest


def test_a_router_finds_servers_by_the_name_of_their_headless_service() -> None:
    (backend,) = config(service())["backends"]
    assert backend == {
        "name": "assistant-triton",
        "address": "assistant-triton.models.svc:8001",
        "metricsUrl": "http://assistant-triton.models.svc:8002/metrics",
        "sizes": ["small", "large"],
        "resolve": True,
    }
    assert one(wanted(service(), CONTEXT), "Service", "assistant-triton")["spec"]["clusterIP"] == "None"


def test_dedicated_servers_are_a_backend_for_each_size() -> None:
    backends = config(service(placement={"mode": "Dedicated"}))["backends"]
    assert {backend["name"]: backend["sizes"] for backend in backends} == {
        "assistant-triton-small": ["small"],
        "assistant-triton-large": ["large"],
    }


def test_models_of_the_hub_answer_through_streams_only() -> None:
    sizes = config(service(hub_size("a"), size("b")))["sizes"]
    assert [each.get("decoupled", False) for each in sizes] == [True, False]


def test_a_size_that_was_never_measured_is_refused() -> None:
    unmeasured = {"name": "new", "model": {"repository": {"uri": "s3://a", "name": "m"}}}
    with pytest.raises(ResourceError, match=r"spec.sizes\[0\].quality: neither the resource nor a profile"):
        wanted(service(unmeasured), CONTEXT)


@pytest.mark.parametrize(
    "change",
    [
        {"deadline": {"default": "200ms"}},
        {"policy": LEARNED},
        {"policy": {"kind": "Greedy"}},
        {"router": {"queue": {"maxRequests": 7}}},
    ],
)
def test_what_a_router_reads_rolls_it(change: dict[str, Any]) -> None:
    assert digest_of(service()) != digest_of(service(**change))


def test_a_bundle_of_the_same_name_from_elsewhere_rolls_the_routers() -> None:
    elsewhere = {"kind": "Learned", "bundle": {"configMapRef": {"name": "other", "key": "a.safetensors"}}}
    assert digest_of(service(policy=LEARNED)) != digest_of(service(policy=elsewhere))


def test_more_servers_roll_no_router() -> None:
    assert deployment(service()) == deployment(service(placement={"replicas": 9}))


@pytest.mark.parametrize(
    ("bundle", "path"),
    [
        ({"configMapRef": {"name": "policy", "key": "a.safetensors"}}, "a.safetensors"),
        ({"pvc": {"claimName": "c", "path": "x/a.safetensors"}}, "x/a.safetensors"),
        ({"oci": {"image": "registry.example/p:1", "path": "a.safetensors"}}, "a.safetensors"),
    ],
)
def test_a_bundle_is_where_the_configuration_says(bundle: dict[str, Any], path: str) -> None:
    found = service(policy={"kind": "Learned", "bundle": bundle})
    assert config(found)["policy"]["bundlePath"] == f"/etc/besteffort/policy/{path}"
    (mount,) = [mount for mount in container_of(deployment(found))["volumeMounts"] if mount["name"] == "policy"]
    assert mount == {"name": "policy", "mountPath": "/etc/besteffort/policy", "readOnly": True}


def test_routers_start_without_the_config_map_of_their_bundle() -> None:
    (volume,) = [v for v in pod_of(deployment(service(policy=LEARNED)))["volumes"] if v["name"] == "policy"]
    assert volume["configMap"]["optional"]


def test_a_canary_is_some_of_the_routers_with_another_bundle() -> None:
    found = service(policy=LEARNED | CANARY, router={"replicas": 5})
    canary = deployment(found, "assistant-router-canary")
    assert (deployment(found)["spec"]["replicas"], canary["spec"]["replicas"]) == (4, 1)
    paths = [config(found, name)["policy"]["bundlePath"] for name in (NAME, "assistant-router-canary")]
    assert paths == ["/etc/besteffort/policy/a.safetensors", "/etc/besteffort/policy/b.safetensors"]


def test_a_canary_changes_nothing_of_the_other_routers() -> None:
    before = deployment(service(policy=LEARNED, router={"replicas": 5}))
    after = deployment(service(policy=LEARNED | CANARY, router={"replicas": 5}))
    assert before["spec"]["template"] == after["spec"]["template"]


def test_clients_reach_routers_and_canary_through_both_services() -> None:
    found = wanted(service(policy=LEARNED | CANARY, router={"replicas": 2}), CONTEXT)
    for name in ("assistant", NAME):
        selector = one(found, "Service", name)["spec"]["selector"]
        for deployed in (NAME, "assistant-router-canary"):
            labels = one(found, "Deployment", deployed)["spec"]["template"]["metadata"]["labels"]
            assert selector.items() <= labels.items()


def test_memory_follows_the_bytes_that_may_wait() -> None:
    found = service(router={"queue": {"maxBytes": "1Gi"}})
    assert container_of(deployment(found))["resources"]["limits"] == {"memory": f"{256 + 2 * 1024}Mi"}


def test_resources_that_are_asked_for_are_all_there_are() -> None:
    asked = {"requests": {"cpu": "2"}}
    assert container_of(deployment(service(router={"resources": asked})))["resources"] == asked


def test_a_router_stops_after_clients_turned_away_and_requests_ended() -> None:
    pod = pod_of(deployment(service(router={"drain": "45s"})))
    assert "--drain-s=45" in pod["containers"][0]["args"]
    sleep_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > sleep_s + 45


def test_no_router_stops_before_the_longest_request_that_it_may_have_taken() -> None:
    pod = pod_of(deployment(service(router={"drain": "10s"}, deadline={"default": "2s", "max": "90s"})))
    assert "--drain-s=120" in pod["containers"][0]["args"]
    sleep_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > sleep_s + 120


def test_tls_is_read_from_the_secret_that_is_named() -> None:
    pod = pod_of(deployment(service(router={"tls": {"secretName": "cert"}})))
    assert {"name": "tls", "secret": {"secretName": "cert"}} in pod["volumes"]
    assert "tls" in {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}


def test_beside_clients_there_are_no_routers_of_their_own() -> None:
    found = wanted(service(router=MODE_SIDECAR, policy=LEARNED), CONTEXT)
    named = {(each["kind"], name_of(each)) for each in found}
    assert {name for _, name in named if "router" in name} == {NAME}
    assert ("ConfigMap", NAME) in named
    assert ("Service", "assistant") not in named
    assert ("Deployment", "assistant-triton") in named


def test_a_sidecar_is_restricted_by_itself_and_talks_to_its_pod_alone() -> None:
    router = router_container(service(router=MODE_SIDECAR), CONTEXT, listen=SIDECAR)
    assert violations({"initContainers": [router.container]}) == []
    assert "--listen=127.0.0.1:8001" in router.container["args"]
    assert "--metrics=0.0.0.0:9090" in router.container["args"]
    assert {volume.name for volume in router.volumes} == {m["name"] for m in router.container["volumeMounts"]}


def test_a_sidecars_ports_are_not_called_as_a_clients_may_be() -> None:
    router = router_container(service(router=MODE_SIDECAR), CONTEXT, listen=SIDECAR)
    assert {port["name"] for port in router.container["ports"]} == {"bes-grpc", "bes-metrics"}
    monitors = {name_of(m): m for m in of_kind(wanted(service(router=MODE_SIDECAR), CONTEXT), "PodMonitor")}
    assert monitors["assistant-sidecar"]["spec"]["podMetricsEndpoints"][0]["port"] == "bes-metrics"


def test_only_routers_reach_what_answers_and_everybody_reaches_metrics() -> None:
    policy = one(wanted(service(), CONTEXT), "NetworkPolicy", "assistant-triton")["spec"]
    assert [(rule["from"], rule["ports"][0]["port"]) for rule in policy["ingress"]] == [
        ([{"podSelector": {"matchLabels": routers()}}], 8001),
        ([{"namespaceSelector": {}}], 8002),
    ]


def test_pods_with_a_sidecar_reach_what_answers_only_where_there_are_sidecars() -> None:
    policy = one(wanted(service(router=MODE_SIDECAR), CONTEXT), "NetworkPolicy", "assistant-triton")["spec"]
    labels = {"serving.besteffort.dev/inject": "assistant"}
    assert policy["ingress"][0]["from"] == [{"podSelector": {"matchLabels": labels}}]


@pytest.mark.parametrize(
    ("sizes", "may_call_out"),
    [
        ([size("a", "s3://a")], True),
        ([hub_size("a")], True),
        ([size("a", "pvc://a"), size("b", "file:///b"), size("c", "oci://c")], False),
    ],
)
def test_servers_call_out_only_to_fetch_models(sizes: list[dict[str, Any]], may_call_out: bool) -> None:  # noqa: FBT001
    policy = one(wanted(service(*sizes), CONTEXT), "NetworkPolicy", "assistant-triton")["spec"]
    assert "Egress" in policy["policyTypes"]
    assert policy.get("egress", []) == ([{}] if may_call_out else [])


def routers() -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "besteffort",
        "app.kubernetes.io/instance": "assistant",
        "serving.besteffort.dev/role": "router",
    }
