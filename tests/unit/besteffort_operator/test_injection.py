"""The patch puts the router into a pod, changes nothing else, and does so once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from besteffort_operator.injection import NAME, is_injected, patch_of
from besteffort_operator.manifests.router_container import SIDECAR, router_container
from support.manifests import CONTEXT, GOLDEN, service_of
from support.restricted import violations

SERVICE = service_of(GOLDEN / "input" / "sidecar.yaml")
ROUTER = router_container(SERVICE, CONTEXT, listen=SIDECAR)
CLIENT = {"name": "client", "image": "client:1"}
BARE: dict[str, Any] = {"metadata": {"name": "client"}, "spec": {"containers": [CLIENT]}}
FULL: dict[str, Any] = {
    "metadata": {"name": "client"},
    "spec": {
        "containers": [{"name": "router", "image": "client:1"}],
        "initContainers": [{"name": "prepare", "image": "prepare:1"}],
        "volumes": [{"name": "config", "emptyDir": {}}],
    },
}


def patched(pod: dict[str, Any]) -> dict[str, Any]:
    """Apply the patch as RFC 6902 says: what it needs of it."""
    found = copy.deepcopy(pod)
    for operation in patch_of(pod, ROUTER):
        assert operation["op"] == "add"
        *path, last = operation["path"].lstrip("/").split("/")
        at: Any = found
        for step in path:
            at = at[step]
        if isinstance(at, list):
            at.insert(len(at) if last == "-" else int(last), operation["value"])
        else:
            assert last not in at, "an add of a member that is there would replace it"
            at[last] = operation["value"]
    return found


@pytest.mark.parametrize("pod", [BARE, FULL], ids=["bare", "full"])
def test_the_router_comes_first_beside_all_that_was_there(pod: dict[str, Any]) -> None:
    before = copy.deepcopy(pod)
    spec = patched(pod)["spec"]
    sidecar, *others = spec["initContainers"]
    assert pod == before
    assert others == pod["spec"].get("initContainers", [])
    assert spec["containers"] == pod["spec"]["containers"]
    assert spec["volumes"][: len(pod["spec"].get("volumes", []))] == pod["spec"].get("volumes", [])
    assert (sidecar["name"], sidecar["restartPolicy"]) == (NAME, "Always")


def test_what_the_sidecar_mounts_is_in_the_pod_under_names_of_its_own() -> None:
    spec = patched(FULL)["spec"]
    names = [volume["name"] for volume in spec["volumes"]]
    assert len(set(names)) == len(names)
    mounts = [mount["name"] for mount in spec["initContainers"][0]["volumeMounts"]]
    assert set(mounts) == set(names) - {"config"}
    assert all(name.startswith(f"{NAME}-") for name in mounts)


def test_the_sidecar_listens_on_loopback_and_the_pod_waits_for_that_only() -> None:
    sidecar = patched(BARE)["spec"]["initContainers"][0]
    assert "--listen=127.0.0.1:8001" in sidecar["args"]
    assert sidecar["startupProbe"]["httpGet"]["path"] == "/healthz"
    ports = {port["name"] for port in sidecar["ports"]}
    assert sidecar["startupProbe"]["httpGet"]["port"] in ports
    assert "readinessProbe" not in sidecar, "a service that is down must not take its clients' pods down"
    assert "lifecycle" not in sidecar


def test_a_pod_is_injected_once() -> None:
    pod = patched(FULL)
    assert is_injected(pod)
    assert not is_injected(FULL)
    assert patch_of(pod, ROUTER) == []


def test_the_sidecar_alone_meets_the_restricted_profile() -> None:
    pod = patched({"metadata": {}, "spec": {"containers": []}})
    assert violations(pod["spec"]) == []


def test_the_router_of_the_service_is_left_as_it_was() -> None:
    before = copy.deepcopy(ROUTER)
    patched(BARE)["spec"]["initContainers"][0]["args"].append("changed")
    assert before == ROUTER
