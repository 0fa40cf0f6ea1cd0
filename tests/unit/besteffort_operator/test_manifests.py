"""What holds for every object of every golden service and of every sample."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from besteffort_operator.kinds import KINDS, kind_of
from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.metadata import WANTED_ANNOTATION, digest, sealed
from besteffort_resource.servers import servers
from support.manifests import (
    CONTEXT,
    INPUTS,
    container_of,
    leaves,
    name_of,
    of_kind,
    one,
    pod_of,
    service_of,
    wanted_of,
)
from support.restricted import violations

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").glob("*.yaml"))
ALL = [*INPUTS, *SAMPLES]
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

every_service = pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")


@every_service
def test_every_pod_is_restricted(path: Path) -> None:
    for deployment in of_kind(wanted_of(path), "Deployment"):
        pod = pod_of(deployment)
        assert violations(pod) == []
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in pod["containers"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pod: pod.update(hostNetwork=True),
        lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        lambda pod: pod["securityContext"].update(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "1"}]),
        lambda pod: context_of(pod).update(privileged=True),
        lambda pod: context_of(pod).update(runAsUser=0),
        lambda pod: context_of(pod).update(runAsNonRoot=False),
        lambda pod: context_of(pod).update(seccompProfile={"type": "Unconfined"}),
        lambda pod: context_of(pod).pop("allowPrivilegeEscalation"),
        lambda pod: context_of(pod)["capabilities"].pop("drop"),
        lambda pod: context_of(pod)["capabilities"].update(add=["NET_ADMIN"]),
        lambda pod: pod["containers"][0]["ports"][0].update(hostPort=80),
        lambda pod: pod["containers"].append({"name": "mine"}),
    ],
)
def test_the_check_of_pods_sees_what_the_profile_forbids(spoil: Callable[[Any], object]) -> None:
    pod = pod_of(of_kind(wanted_of(INPUTS[0]), "Deployment")[0])
    spoil(pod)
    assert violations(pod)


def context_of(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod["containers"][0]["securityContext"]
    return found


@every_service
def test_names_are_dns_labels_of_at_most_63_characters(path: Path) -> None:
    for manifest in wanted_of(path):
        assert DNS_LABEL.fullmatch(name_of(manifest))


@every_service
def test_labels_and_annotations_are_valid(path: Path) -> None:
    for manifest in wanted_of(path):
        for metadata in metadatas(manifest):
            for key, value in metadata["labels"].items():
                assert LABEL_KEY.fullmatch(key)
                assert LABEL_VALUE.fullmatch(value)
            assert all(LABEL_KEY.fullmatch(key) for key in metadata.get("annotations", {}))


@every_service
def test_every_object_is_of_a_known_kind_and_says_who_made_it(path: Path) -> None:
    service = service_of(path)
    for manifest in wanted_of(path):
        assert kind_of(manifest) in KINDS
        metadata = manifest["metadata"]
        assert metadata["namespace"] == CONTEXT.namespace
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "besteffort-operator"
        assert metadata["labels"]["app.kubernetes.io/instance"] == service.metadata.name
        (owner,) = metadata["ownerReferences"]
        assert owner["controller"]
        assert (owner["kind"], owner["name"], owner["uid"]) == (
            "BestEffortService",
            service.metadata.name,
            CONTEXT.uid,
        )


@every_service
def test_no_two_objects_are_one(path: Path) -> None:
    keys = [(manifest["kind"], name_of(manifest)) for manifest in wanted_of(path)]
    assert len(keys) == len(set(keys))


@every_service
def test_values_are_json_without_floats(path: Path) -> None:
    manifests = wanted_of(path)
    assert json.loads(json.dumps(manifests)) == manifests
    assert not [(where, value) for where, value in leaves(manifests) if isinstance(value, float) or value is None]


@every_service
def test_what_pods_refer_to_comes_before_the_pods(path: Path) -> None:
    manifests = wanted_of(path)
    for i, deployment in enumerate(manifests):
        if deployment["kind"] == "Deployment":
            before = {(manifest["kind"], name_of(manifest)) for manifest in manifests[:i]}
            own = set(map(name_of, manifests))
            assert {reference for reference in references(deployment) if reference[1] in own} <= before


@every_service
def test_selectors_find_the_pods_that_they_mean(path: Path) -> None:
    manifests = wanted_of(path)
    templates = {name_of(m): labels_of_pods(m) for m in of_kind(manifests, "Deployment")}
    for deployment in of_kind(manifests, "Deployment"):
        name, selector = name_of(deployment), deployment["spec"]["selector"]["matchLabels"]
        assert [other for other, labels in templates.items() if selector.items() <= labels.items()] == [name]
    for name, selector in selectors(manifests):
        found = {other for other, labels in templates.items() if selector.items() <= labels.items()}
        assert found
        assert all(other.startswith(name) for other in found) or found <= {f"{name}-router", f"{name}-router-canary"}


@every_service
def test_ports_that_are_named_exist(path: Path) -> None:
    manifests = wanted_of(path)
    for service in of_kind(manifests, "Service"):
        for deployment in of_kind(manifests, "Deployment"):
            if service["spec"]["selector"].items() <= labels_of_pods(deployment).items():
                names = {port["name"] for port in container_of(deployment)["ports"]}
                assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@every_service
def test_every_mount_has_its_volume(path: Path) -> None:
    for deployment in of_kind(wanted_of(path), "Deployment"):
        mounts = container_of(deployment)["volumeMounts"]
        assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod_of(deployment)["volumes"]}
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)


@every_service
def test_the_same_service_gives_the_same_bytes(path: Path) -> None:
    assert json.dumps(wanted_of(path)) == json.dumps(wanted_of(path))


@every_service
def test_no_object_shares_a_part_with_another(path: Path) -> None:
    for one_of_them, other in combinations(wanted_of(path), 2):
        assert not parts(one_of_them) & parts(other)


@every_service
def test_replicas_have_one_writer(path: Path) -> None:
    manifests = wanted_of(path)
    scaled = {
        m["spec"]["scaleTargetRef"]["name"] for m in of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject")
    }
    silent = {name_of(m) for m in of_kind(manifests, "Deployment") if "replicas" not in m["spec"]}
    assert silent == scaled


@every_service
def test_a_fingerprint_is_that_of_all_the_rest(path: Path) -> None:
    for manifest in wanted_of(path):
        assert sealed(manifest) == manifest
        rest = json.loads(json.dumps(manifest))
        fingerprint = rest["metadata"]["annotations"].pop(WANTED_ANNOTATION)
        assert fingerprint == digest(rest)


@every_service
def test_pods_end_after_their_last_request(path: Path) -> None:
    service = service_of(path)
    for server in servers(service):
        pod = pod_of(one(wanted_of(path), "Deployment", server.name))
        sleep_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert sleep_s >= service.spec.triton.drain_s
        assert pod["terminationGracePeriodSeconds"] >= sleep_s + service.spec.deadline.max_s


@every_service
def test_optional_kinds_are_left_out_where_the_cluster_lacks_them(path: Path) -> None:
    bare = wanted_of(path, replace(CONTEXT, available_kinds=frozenset()))
    assert not of_kind(bare, "PodMonitor", "ScaledObject")
    assert len(bare) == len([m for m in wanted_of(path) if m["kind"] not in ("PodMonitor", "ScaledObject")])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_release_of_the_operator_rolls_no_pod(path: Path) -> None:
    before, after = wanted_of(path), wanted_of(path, replace(CONTEXT, operator_version="0.2.0"))
    templates = [[m["spec"]["template"] for m in of_kind(each, "Deployment")] for each in (before, after)]
    assert templates[0] == templates[1]


DEDICATED = [path for path in INPUTS if len(servers(service_of(path))) > 1]


@pytest.mark.parametrize("path", DEDICATED, ids=lambda path: path.stem)
def test_a_change_of_one_size_changes_the_server_of_that_size_alone(path: Path) -> None:
    service = service_of(path)
    before = tritons(wanted(service, CONTEXT))
    for i, size in enumerate(service.spec.sizes):
        sizes = list(service.spec.sizes)
        sizes[i] = size.model_copy(update={"model": changed(size.model)})
        spec = service.spec.model_copy(update={"sizes": tuple(sizes)})
        after = tritons(wanted(service.model_copy(update={"spec": spec}), CONTEXT))
        assert [name for name in before if before[name] != after[name]] == [f"assistant-triton-{size.name}"]


def changed(model: Any) -> Any:
    if model.repository:
        repository = model.repository.model_copy(update={"name": "another"})
        return model.model_copy(update={"repository": repository})
    hub = model.hugging_face.model_copy(update={"revision": "another"})
    return model.model_copy(update={"hugging_face": hub})


def tritons(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    found = of_kind(manifests, "Deployment")
    return {name_of(m): m for m in found if m["metadata"]["labels"]["app.kubernetes.io/component"] == "triton"}


def metadatas(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    template = manifest.get("spec", {}).get("template")
    return [manifest["metadata"], template["metadata"]] if template else [manifest["metadata"]]


def labels_of_pods(deployment: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


def selectors(manifests: list[dict[str, Any]]) -> list[tuple[str, dict[str, str]]]:
    """Of Services, budgets and policies, with the name of the object."""
    return [
        *((name_of(m), m["spec"]["selector"]) for m in of_kind(manifests, "Service")),
        *((name_of(m), m["spec"]["selector"]["matchLabels"]) for m in of_kind(manifests, "PodDisruptionBudget")),
        *((name_of(m), m["spec"]["podSelector"]["matchLabels"]) for m in of_kind(manifests, "NetworkPolicy")),
    ]


def references(deployment: dict[str, Any]) -> set[tuple[str, str]]:
    pod = pod_of(deployment)
    found = {("ServiceAccount", pod["serviceAccountName"])}
    for volume in pod["volumes"]:
        if "configMap" in volume:
            found.add(("ConfigMap", volume["configMap"]["name"]))
        if "persistentVolumeClaim" in volume:
            found.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    return found


def parts(value: Any) -> set[int]:
    """The identities of all mappings and lists in a value."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return set() if below is None else {id(value)}.union(*map(parts, below))
