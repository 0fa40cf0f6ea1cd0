from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from besteffort_operator.manifests.build import wanted
from besteffort_resource.service import BestEffortService
from support.manifests import CONTEXT, container_of, of_kind, one, pod_of
from support.services import hub_size, service, size

DEDICATED = {"mode": "Dedicated"}


def deployment(found: BestEffortService, name: str = "assistant-triton") -> dict[str, Any]:
    return one(wanted(found, CONTEXT), "Deployment", name)


def engine(found: BestEffortService, name: str) -> dict[str, Any]:
    for manifest in of_kind(wanted(found, CONTEXT), "Deployment"):
        files = repository(manifest)
        if f"{name}/1/model.json" in files:
            arguments: dict[str, Any] = json.loads(files[f"{name}/1/model.json"])
            return arguments
    raise AssertionError(name)


def repository(deployment: dict[str, Any]) -> dict[str, str]:
    """The files that the kubelet makes of the volume of hub models."""
    template = deployment["spec"]["template"]
    volumes = [volume for volume in template["spec"]["volumes"] if volume["name"] == "models"]
    items = [item for volume in volumes for item in volume["downwardAPI"]["items"]]
    annotations = {
        f"metadata.annotations['{key}']": text for key, text in template["metadata"].get("annotations", {}).items()
    }
    return {item["path"]: annotations[item["fieldRef"]["fieldPath"]] for item in items}


def test_a_server_that_keeps_its_template_keeps_its_models() -> None:
    """Nothing that a running server reads changes but with its template."""

    def objects(revision: str) -> dict[str, Any]:
        found = service(hub_size("a", revision=revision), hub_size("b"), placement=DEDICATED)
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in wanted(found, CONTEXT)}

    before, after = objects("one"), objects("two")
    assert [name for name in before if before[name] != after[name]] == ["Deployment/assistant-triton-a"]
    kept = repository(after["Deployment/assistant-triton-a"])
    assert set(kept) == {"a/config.pbtxt", "a/1/model.json"}
    assert json.loads(kept["a/1/model.json"])["revision"] == "two"


def arguments(found: BestEffortService, start: str, name: str = "assistant-triton") -> list[str]:
    given = container_of(deployment(found, name))["args"]
    return [argument.removeprefix(start) for argument in given if argument.startswith(start)]


def test_one_server_loads_all_sizes_and_nothing_else() -> None:
    assert arguments(service(), "--load-model=") == ["model_small", "model_large"]
    assert arguments(service(), "--model-control-mode=") == ["explicit"]


def test_a_dedicated_server_loads_its_size_alone() -> None:
    assert arguments(service(placement=DEDICATED), "--load-model=", "assistant-triton-large") == ["model_large"]


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        (["s3://a/b", "s3://a/b"], ["s3://a/b"]),
        (["s3://https://host:443/a", "gs://b"], ["s3://https://host:443/a", "gs://b"]),
        (["file:///models", "/models"], ["/models"]),
        (["pvc://claim", "pvc://claim/deep/er/"], ["/repositories/0", "/repositories/0/deep/er"]),
        (["pvc://claim/", "oci://registry.example:5000/a/b:1"], ["/repositories/0", "/repositories/1"]),
        (["oci://one", "oci://two"], ["/repositories/0", "/repositories/1"]),
    ],
)
def test_each_repository_is_named_once_where_triton_sees_it(uris: list[str], expected: list[str]) -> None:
    sizes = [size(f"size-{i}", uri) for i, uri in enumerate(uris)]
    assert arguments(service(*sizes), "--model-repository=") == expected


def test_a_claim_of_two_sizes_is_mounted_once_and_never_written() -> None:
    pod = pod_of(deployment(service(size("a", "pvc://claim/a"), size("b", "pvc://claim/b"))))
    claims = [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [{"name": "repository-0", "persistentVolumeClaim": {"claimName": "claim", "readOnly": True}}]
    (mount,) = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "repository-0"]
    assert mount["readOnly"]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([hub_size("a")], [None]),
        ([hub_size("a"), hub_size("b")], [0.45, 0.45]),
        ([hub_size("a"), hub_size("b"), size("c")], [0.3, 0.3]),
        ([hub_size("a", engineArgs={"gpu_memory_utilization": 0.8}), hub_size("b")], [0.8, 0.45]),
    ],
)
def test_engines_on_one_device_share_its_memory_unless_told(sizes: list[Any], expected: list[float | None]) -> None:
    found = service(*sizes)
    hub = [each["name"] for each in sizes if "huggingFace" in each["model"]]
    assert [engine(found, name).get("gpu_memory_utilization") for name in hub] == expected


def test_a_dedicated_engine_has_its_device_alone_and_uses_all_that_it_has() -> None:
    found = service(hub_size("a") | {"gpu": {"count": 4}}, hub_size("b"), placement=DEDICATED)
    assert engine(found, "a") == {"model": "org/a", "revision": "main", "tensor_parallel_size": 4}
    assert engine(found, "b") == {"model": "org/b", "revision": "main"}


def test_only_servers_of_the_hub_run_the_image_with_vllm() -> None:
    found = service(hub_size("a"), size("b"), placement=DEDICATED)
    images = [container_of(deployment(found, f"assistant-triton-{name}"))["image"] for name in "ab"]
    assert ["vllm" in image for image in images] == [True, False]


def test_a_token_comes_from_its_secret_alone() -> None:
    found = wanted(service(hub_size("a", tokenSecretRef={"name": "hub", "key": "token"})), CONTEXT)
    environment = container_of(one(found, "Deployment", "assistant-triton"))["env"]
    (variable,) = [variable for variable in environment if variable["name"] == "HF_TOKEN"]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": "token"}}


def test_a_users_variable_replaces_the_operators() -> None:
    found = deployment(service(triton={"env": [{"name": "HOME", "value": "/home/me"}]}))
    assert [v["value"] for v in container_of(found)["env"] if v["name"] == "HOME"] == ["/home/me"]


def test_mig_and_whole_gpus_tolerate_nvidias_taint_and_other_vendors_their_own() -> None:
    resources = ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu"]
    sizes = [size(f"s{i}", gpu={"resource": resource}) for i, resource in enumerate(resources)]
    found = service(*sizes, placement=DEDICATED)
    pods = [pod_of(deployment(found, f"assistant-triton-s{i}")) for i in range(3)]
    assert [pod["tolerations"][0]["key"] for pod in pods] == ["nvidia.com/gpu", "nvidia.com/gpu", "amd.com/gpu"]


def test_without_a_gpu_nothing_is_tolerated_or_selected() -> None:
    assert not {"tolerations", "nodeSelector"} & pod_of(deployment(service())).keys()


def test_a_users_toleration_of_the_same_taint_is_enough() -> None:
    own = [{"key": "nvidia.com/gpu", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]
    found = service(placement={"gpu": {}, "scheduling": {"tolerations": own}})
    assert pod_of(deployment(found))["tolerations"] == own


@pytest.mark.parametrize("said", [{}, {"labelSelector": None}])
def test_a_spread_without_a_selector_counts_the_servers_own_pods(said: dict[str, None]) -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    large = size("large", scheduling={"topologySpreadConstraints": [spread | said]})
    found = deployment(service(size("small"), large, placement=DEDICATED), "assistant-triton-large")
    (constraint,) = pod_of(found)["topologySpreadConstraints"]
    assert constraint == spread | {"labelSelector": found["spec"]["selector"]}


@pytest.mark.parametrize("selector", [{}, {"matchLabels": {"app": "all"}}])
def test_a_spread_with_a_selector_stays_as_it_is(selector: dict[str, Any]) -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    found = service(placement={"scheduling": {"topologySpreadConstraints": [spread]}})
    assert pod_of(deployment(found))["topologySpreadConstraints"] == [spread]


def test_of_a_gpu_request_and_limit_are_the_same() -> None:
    found = service(placement={"gpu": {"count": 2}}, triton={"resources": {"requests": {"cpu": 4}}})
    resources = container_of(deployment(found))["resources"]
    assert resources == {"requests": {"cpu": "4", "nvidia.com/gpu": "2"}, "limits": {"nvidia.com/gpu": "2"}}


@pytest.mark.parametrize(("surge", "unavailable"), [(0, 1), (2, 0)])
def test_with_a_spare_gpu_no_server_goes_before_its_successor_is_ready(surge: int, unavailable: int) -> None:
    strategy = deployment(service(triton={"maxSurge": surge}))["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": surge, "maxUnavailable": unavailable}


def test_models_may_take_as_long_as_the_startup_timeout_says() -> None:
    found = deployment(service(triton={"startupTimeout": "30m"}))
    probe = container_of(found)["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 1800
    assert found["spec"]["progressDeadlineSeconds"] > 1800


def test_a_changed_deadline_within_a_minute_replaces_no_server() -> None:
    short, long = (deployment(service(deadline={"max": each}))["spec"] for each in ("5s", "55s"))
    assert short == long


def test_a_label_that_selects_cannot_be_overlaid() -> None:
    overlay = {"metadata": {"labels": {"app.kubernetes.io/component": "mine", "mine": "yes"}}}
    found = deployment(service(triton={"podTemplate": overlay}))["spec"]
    labels = found["template"]["metadata"]["labels"]
    assert labels.items() >= found["selector"]["matchLabels"].items()
    assert labels["mine"] == "yes"


@pytest.mark.parametrize(("given", "expected"), [({}, 2), ({"assistant-triton": 3}, 3), ({"assistant-triton": 99}, 5)])
def test_the_operators_autoscaler_stays_within_the_bounds(given: dict[str, int], expected: int) -> None:
    found = service(placement={"scaling": {"minReplicas": 2, "maxReplicas": 5}})
    manifests = wanted(found, replace(CONTEXT, replicas=given))
    assert one(manifests, "Deployment", "assistant-triton")["spec"]["replicas"] == expected


def test_a_fixed_number_listens_to_no_autoscaler() -> None:
    manifests = wanted(service(placement={"replicas": 4}), replace(CONTEXT, replicas={"assistant-triton": 1}))
    assert one(manifests, "Deployment", "assistant-triton")["spec"]["replicas"] == 4


def test_a_cache_is_one_claim_for_all_servers_and_without_it_downloads_end_with_the_pod() -> None:
    sizes = (hub_size("a"), hub_size("b"))
    kept = wanted(service(*sizes, placement=DEDICATED, triton={"cache": {"size": "5Gi"}}), CONTEXT)
    assert one(kept, "PersistentVolumeClaim", "assistant-cache")["spec"]["accessModes"] == ["ReadWriteMany"]
    assert not of_kind(wanted(service(*sizes), CONTEXT), "PersistentVolumeClaim")
