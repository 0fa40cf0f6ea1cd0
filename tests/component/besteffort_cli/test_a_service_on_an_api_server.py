"""`status`, `policy promote` and `policy rollback` against a real API server that no operator looks after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.access import Cluster, write_kubeconfig
from cluster.control_plane import ApiServer
from support.command import Commands, Done
from support.operator_process import install, resource

OLD = {"configMapRef": {"name": "old", "key": "policy.safetensors"}}
NEW = {"pvc": {"claimName": "policies", "path": "new.safetensors"}}


@pytest.fixture(scope="module")
def server(api_server: Cluster) -> Cluster:
    install(api_server)
    return api_server


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("commands")
    with Commands(folder, {"HOME": str(folder), "COLUMNS": "200", "PATH": ""}) as running:
        yield running


def with_canary(namespace: str) -> dict[str, Any]:
    policy = {"kind": "Learned", "bundle": OLD, "canary": {"bundle": NEW}}
    return resource("assistant", namespace, policy=policy, router={"replicas": 2})


def say_loaded(server: Cluster, namespace: str) -> None:
    """Say what the operator does once all routers, those of the canary too, run their bundle."""
    generation = server.get("bes", "assistant", "-n", namespace)["metadata"]["generation"]
    condition = {
        "type": "PolicyLoaded",
        "status": "True",
        "reason": "Loaded",
        "message": "",
        "observedGeneration": generation,
    }
    status = {"status": {"conditions": [condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
    patch = ("--subresource=status", "--type=merge", "--patch", json.dumps(status))
    server.kubectl("patch", "bes", "assistant", "-n", namespace, *patch)


def policy_of(server: Cluster, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = server.get("bes", "assistant", "-n", namespace)["spec"]["policy"]
    return found


def test_a_cluster_without_besteffort_is_told_apart_from_a_wrong_name(commands: Commands) -> None:
    with ApiServer() as bare:
        done = commands.run("status", "assistant", "--kubeconfig", str(bare.kubeconfig))
    assert_fails(done, "knows no BestEffortService; install BestEffort there first (docs/install.md).")


def test_a_wrong_name_is_answered_with_those_there_are(server: Cluster, namespace: str, commands: Commands) -> None:
    where = ("--kubeconfig", str(server.kubeconfig), "-n", namespace)
    assert_fails(commands.run("status", "asistant", *where), "there is none at all; -n names another namespace.")
    server.apply(resource("assistant", namespace))
    done = commands.run("status", "asistant", *where)
    assert_fails(done, f"no BestEffortService asistant in namespace {namespace}; there is assistant.")


def test_a_wrong_context_is_one_sentence(server: Cluster, commands: Commands) -> None:
    done = commands.run("status", "assistant", "--kubeconfig", str(server.kubeconfig), "--context", "nowhere")
    assert_fails(done, "context nowhere is not in", "; it has test.")


def test_who_has_no_right_is_told_which(server: Cluster, namespace: str, commands: Commands) -> None:
    server.kubectl("create", "serviceaccount", "guest", "-n", namespace)
    kubeconfig = server.kubeconfig_of("guest", namespace)
    done = commands.run("status", "assistant", "--kubeconfig", str(kubeconfig))
    assert_fails(done, "may not do this", f"system:serviceaccount:{namespace}:guest", "besteffortservices")


def test_who_may_read_services_but_no_events_gets_the_rest(server: Cluster, namespace: str, commands: Commands) -> None:
    server.kubectl("create", "serviceaccount", "guest", "-n", namespace)
    role = ("--verb=get", "--resource=besteffortservices.serving.besteffort.dev", "-n", namespace)
    server.kubectl("create", "role", "reader", *role)
    binding = ("--role=reader", f"--serviceaccount={namespace}:guest", "-n", namespace)
    server.kubectl("create", "rolebinding", "reader", *binding)
    server.apply(resource("assistant", namespace))
    done = commands.run("status", "assistant", "--kubeconfig", str(server.kubeconfig_of("guest", namespace)))
    assert done.code == 1
    assert "has not looked at this version yet" in done.out
    assert "Events may not be read by this user." in done.out


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path, commands: Commands) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", {"server": "https://127.0.0.1:1"}, "x")
    done = commands.run("status", "assistant", "--kubeconfig", str(kubeconfig))
    assert_fails(done, "the API server of context test does not answer")


def test_promote_and_rollback_change_what_the_server_holds(server: Cluster, namespace: str, commands: Commands) -> None:
    where = ("assistant", "--kubeconfig", str(server.kubeconfig), "-n", namespace)
    server.apply(with_canary(namespace))
    before = policy_of(server, namespace)
    assert_fails(commands.run("policy", "promote", *where), "has not said yet whether routers run the service")
    say_loaded(server, namespace)
    done = commands.run("policy", "promote", *where)
    assert done.out == (
        "assistant: all routers get pvc policies/new.safetensors; before it was configMapRef old/policy.safetensors\n"
    )
    assert policy_of(server, namespace)["bundle"] == NEW
    assert "canary" not in policy_of(server, namespace)
    assert_fails(commands.run("policy", "promote", *where), "the service has no canary to promote")
    assert commands.run("policy", "rollback", *where).code == 0
    assert policy_of(server, namespace) == {key: value for key, value in before.items() if key != "canary"}


def test_rollback_ends_a_canary_and_leaves_the_bundle(server: Cluster, namespace: str, commands: Commands) -> None:
    server.apply(with_canary(namespace))
    done = commands.run("policy", "rollback", "assistant", "--kubeconfig", str(server.kubeconfig), "-n", namespace)
    assert done.out == "assistant: the canary ends; all routers get configMapRef old/policy.safetensors\n"
    assert policy_of(server, namespace)["bundle"] == OLD
    assert "canary" not in policy_of(server, namespace)


def test_the_report_of_a_service_is_json_too(server: Cluster, namespace: str, commands: Commands) -> None:
    server.apply(resource("assistant", namespace))
    where = ("--kubeconfig", str(server.kubeconfig), "-n", namespace)
    done = commands.run("status", "assistant", *where, "--output", "json")
    assert done.code == 1
    report = json.loads(done.out)
    assert (report["name"], report["ready"], report["seen"]) == ("assistant", False, False)


def assert_fails(done: Done, *words: str) -> None:
    """It ends with one sentence that has some words."""
    assert done.code == 1, done
    assert done.err.startswith("besteffort: ")
    assert done.err.count("\n") == 1, done.err
    for word in words:
        assert word in done.err
