"""The cluster that other tests stand on is a real one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster import binaries
from cluster.errors import CommandError
from support.processes import eventually, processes_with

if TYPE_CHECKING:
    from cluster.control_plane import ApiServer, ControlPlane

COMMAND = Path(__file__).parents[2] / "cluster"


def config(namespace: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": data}


def gpu_deployment(namespace: str, replicas: int) -> dict[str, Any]:
    labels = {"app": "triton"}
    container = {"name": "triton", "image": "triton", "resources": {"limits": {"nvidia.com/gpu": "4"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "triton", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.mark.cluster
def test_the_server_that_answers_is_the_version_that_is_pinned(api_server: ApiServer) -> None:
    version = json.loads(api_server.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    assert version == binaries.PROGRAMS["kube-apiserver"].version


@pytest.mark.cluster
def test_two_managers_of_one_field_conflict(api_server: ApiServer, namespace: str) -> None:
    api_server.apply(config(namespace, key="ours"))
    theirs = json.dumps(config(namespace, key="theirs"))
    with pytest.raises(CommandError, match=r'conflict with "tests": \.data\.key'):
        api_server.kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", input=theirs)
    assert api_server.get("configmap", "c", "-n", namespace)["data"] == {"key": "ours"}


@pytest.mark.cluster
def test_a_user_without_a_role_is_refused_and_the_log_names_who_wrote(api_server: ApiServer, namespace: str) -> None:
    refused = ["--kubeconfig", str(api_server.kubeconfig_for("nobody")), "create", "configmap", "x", "-n", namespace]
    with pytest.raises(CommandError, match='User "nobody" cannot create resource "configmaps"'):
        api_server.kubectl(*refused)
    api_server.apply(config(namespace))
    calls = [call for call in api_server.calls() if call.namespace == namespace and call.resource == "configmaps"]
    assert [(call.user, call.verb, call.code) for call in calls if call.writes] == [
        ("nobody", "create", 403),
        ("admin", "patch", 201),
    ]


@pytest.mark.cluster
def test_a_service_account_acts_with_a_token_of_its_own(api_server: ApiServer, namespace: str) -> None:
    api_server.kubectl("create", "serviceaccount", "robot", "-n", namespace)
    kubeconfig = str(api_server.kubeconfig_of("robot", namespace))
    who = api_server.kubectl("--kubeconfig", kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert who == f"system:serviceaccount:{namespace}:robot"


@pytest.mark.cluster
def test_what_was_written_outlives_a_stop_a_crash_and_a_restart_of_etcd(api_server: ApiServer, namespace: str) -> None:
    api_server.apply(config(namespace, key="kept"))
    api_server.stop_api()
    try:
        with pytest.raises(CommandError, match="refused"):
            api_server.get("configmap", "c", "-n", namespace)
    finally:
        api_server.start_api()
    api_server.kill("kube-apiserver")
    api_server.start_api()
    api_server.restart_etcd()
    assert api_server.get("configmap", "c", "-n", namespace)["data"] == {"key": "kept"}


@pytest.mark.cluster
def test_a_paused_server_accepts_and_does_not_answer_until_it_goes_on(api_server: ApiServer) -> None:
    with api_server.paused(), pytest.raises((subprocess.TimeoutExpired, CommandError)):
        api_server.kubectl("get", "namespaces", timeout_s=1)
    assert api_server.kubectl("get", "namespaces")


@pytest.mark.cluster
def test_a_deployment_is_scheduled_on_gpus_until_there_are_no_more(control_plane: ControlPlane, namespace: str) -> None:
    fits = control_plane.nodes * 8 // 4
    control_plane.apply(gpu_deployment(namespace, replicas=2))
    control_plane.kubectl("rollout", "status", "deployment/triton", "-n", namespace, "--timeout=30s")
    pods = control_plane.get("pods", "-n", namespace)["items"]
    assert all(pod["spec"]["nodeName"].startswith("gpu-") and pod["status"]["podIP"] for pod in pods)
    control_plane.kubectl("scale", "deployment/triton", "-n", namespace, f"--replicas={fits + 1}")
    available = f"--for=jsonpath={{.status.availableReplicas}}={fits}"
    control_plane.kubectl("wait", "deployment/triton", "-n", namespace, available, "--timeout=30s")
    waiting = control_plane.get("pods", "-n", namespace, "--field-selector=status.phase=Pending")["items"]
    assert "Insufficient nvidia.com/gpu" in waiting[0]["status"]["conditions"][0]["message"]


@pytest.mark.cluster
def test_a_cluster_that_is_killed_with_its_parent_leaves_no_process(api_server: ApiServer) -> None:
    """The first fixture has built what `up` needs."""
    command = [sys.executable, str(COMMAND), "up", "--nodes", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout
        kubeconfig = up.stdout.readline().removeprefix("export KUBECONFIG=").strip()
        folder = str(Path(kubeconfig).parent)
        assert folder.startswith("/"), up.stderr and up.stderr.read()
        assert api_server.kubectl("--kubeconfig", kubeconfig, "get", "nodes", "-o", "name") == "node/gpu-0\n"
        up.kill()
    assert eventually(lambda: not processes_with(folder))
    shutil.rmtree(folder)


@pytest.mark.cluster
def test_a_pod_waits_starts_late_or_ends_as_its_annotations_say(control_plane: ControlPlane, namespace: str) -> None:
    assert control_plane.nodes
    container = {"name": "y", "image": "y"}
    sidecar = container | {"name": "sidecar", "restartPolicy": "Always"}
    pods = {
        "runs": ({}, {"initContainers": [sidecar]}),
        "late": ({"test/ready-after": "2s"}, {}),
        "crashes": ({"test/waiting": "CrashLoopBackOff"}, {}),
        "ends": ({}, {"restartPolicy": "Never"}),
    }
    control_plane.apply(
        *(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
                "spec": {"containers": [container]} | spec,
            }
            for name, (annotations, spec) in pods.items()
        )
    )
    phase = "--for=jsonpath={.status.phase}="
    for name, wanted in (("runs", "Running"), ("crashes", "Running"), ("ends", "Succeeded")):
        control_plane.kubectl("wait", f"pod/{name}", "-n", namespace, phase + wanted, "--timeout=30s")
    found = {pod["metadata"]["name"]: pod["status"] for pod in control_plane.get("pods", "-n", namespace)["items"]}
    assert found["runs"]["initContainerStatuses"][0]["started"]
    assert found["crashes"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    control_plane.kubectl("wait", "pod/late", "-n", namespace, "--for=condition=Ready", "--timeout=30s")
    late = control_plane.get("pod", "late", "-n", namespace)
    assert late["metadata"]["creationTimestamp"] < late["status"]["startTime"]


@pytest.mark.cluster
def test_a_claim_without_a_class_finds_a_volume(control_plane: ControlPlane, namespace: str) -> None:
    assert control_plane.nodes
    space = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}}
    metadata = {"name": "cache", "namespace": namespace}
    control_plane.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": space})
    phase = "--for=jsonpath={.status.phase}=Bound"
    control_plane.kubectl("wait", "persistentvolumeclaim/cache", "-n", namespace, phase, "--timeout=30s")
