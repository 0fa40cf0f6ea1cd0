"""The operator comes, a service comes, and at the end both go without a trace."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from cluster.errors import CommandError
from e2e.daemons import wait_until
from e2e.world import ROOT

if TYPE_CHECKING:
    from e2e.world import World

__all__ = ["clean_up", "delete_service", "install_operator", "start_service", "uninstall_operator"]

READY_WITHIN_S = 180.0
GONE_WITHIN_S = 120.0
DEMO = ROOT / "examples" / "demo"
KINDS = "deployments,replicasets,pods,services,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies"
NOT_OURS = ("kube-root-ca.crt", "default", "assistant-profile", "assistant-policy", "client", "client-beside")


def install_operator(world: World) -> None:
    """`helm install`, and the chart's own test."""
    values = {
        "image.repository": f"{world.images}-operator",
        "image.tag": "e2e",
        "routerImage.repository": f"{world.images}-router",
        "routerImage.tag": "e2e",
        "webhook.enabled": "true",
        "crds.keep": "false",
    }
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    place = ("--namespace", world.operator_namespace, "--create-namespace")
    world.helm("install", "besteffort", "charts/besteffort", *place, *sets, "--wait", "--timeout", "3m")
    world.helm("test", "besteffort", "--namespace", world.operator_namespace, "--timeout", "2m")


def start_service(world: World) -> None:
    """`kubectl apply` of a service with what it refers to; it becomes Ready."""
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    world.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace, "labels": enforced}}
    )
    if world.models:
        world.apply(*world.resource("models.yaml", FOLDER=str(world.models)))
    _make_config_map(world, "assistant-profile", "profile.yaml")
    _make_config_map(world, "assistant-policy", "policy.safetensors")
    world.apply(*world.resource("assistant.yaml"), *world.resource("client.yaml", NAME="client"))
    await_ready(world, "assistant")
    world.kubectl.wait(["pod/client", f"--namespace={world.namespace}"], "condition=Ready", READY_WITHIN_S)
    place = f"--namespace={world.namespace}"
    # One size and one router make it Ready; the others come some seconds later.
    for condition in ("AllSizesReady", "PolicyLoaded"):
        world.kubectl.wait(["bes/assistant", place], f"condition={condition}", READY_WITHIN_S)
    status = world.get("bes", "assistant")["status"]
    assert status["sizesReady"] == "3/3", status
    assert status["policy"]["digest"], status


def await_ready(world: World, service: str) -> None:
    """Wait as a user does; on failure say what the service's status says."""
    try:
        place = f"--namespace={world.namespace}"
        world.kubectl.wait([f"bes/{service}", place], "condition=Ready", READY_WITHIN_S)
    except Exception as error:
        error.add_note(json.dumps(world.get("bes", service).get("status"), indent=1))
        error.add_note(world.kubectl("get", "pods,events", place))
        raise


def delete_service(world: World) -> None:
    """After `kubectl delete` nothing of the service is left."""
    place = f"--namespace={world.namespace}"
    world.kubectl("delete", "bes", "--all", place, "--timeout=60s")
    world.kubectl("delete", "pod", "client", "client-beside", place, "--ignore-not-found", "--wait=false")
    wait_until(lambda: not _left(world), GONE_WITHIN_S, lambda: f"still there: {_left(world)}")


def uninstall_operator(world: World) -> None:
    """After `helm uninstall` nothing of the operator is left."""
    world.helm("uninstall", "besteffort", "--namespace", world.operator_namespace, "--wait")
    found = world.kubectl("get", "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration", "--output=name")
    left = [name for name in found.split() if "besteffort" in name and "e2e" not in name]
    assert not left, f"helm uninstall left {left}"
    world.kubectl("delete", "namespace", world.namespace, world.operator_namespace, "--wait=false")
    if world.models:
        world.kubectl("delete", "pv", "demo-models", "--wait=false")


def clean_up(world: World) -> None:
    """Take away what an ended run has left; nothing is done after one that went through."""
    namespaces = world.kubectl("get", "namespaces", "--output=name").split()
    if f"namespace/{world.namespace}" in namespaces:
        with contextlib.suppress(CommandError):
            world.kubectl("delete", "bes", "--all", f"--namespace={world.namespace}", "--timeout=60s")
    if f"namespace/{world.operator_namespace}" in namespaces:
        world.helm("uninstall", "besteffort", "--namespace", world.operator_namespace, "--ignore-not-found", "--wait")
    both = (world.namespace, world.operator_namespace)
    world.kubectl("delete", "namespace", *both, "--ignore-not-found", "--wait=false")


def _left(world: World) -> list[str]:
    names = world.kubectl("get", KINDS, f"--namespace={world.namespace}", "--output=name").split()
    return [name for name in names if name.partition("/")[2] not in NOT_OURS]


def _make_config_map(world: World, name: str, file: str) -> None:
    """As docs/first-service.md says."""
    place = f"--namespace={world.namespace}"
    world.kubectl("create", "configmap", name, f"--from-file={DEMO / file}", place)
