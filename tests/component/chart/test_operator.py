"""The operator runs with what the chart gives it, its rights and its arguments, and lacks nothing."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from cluster.errors import CommandError
from support.addons import definitions
from support.chart import CHART, NAMESPACE, SAMPLES
from support.operator_process import Operator, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.control_plane import ApiServer
    from support.chart import Helm

TEAM, OTHER = "team-a", "team-b"
WEBHOOK = {"webhook": {"enabled": True}}
OURS = ("--metrics=", "--log-format=", "--webhook=")
"""Arguments that a test sets otherwise: it runs beside others on one machine."""


@pytest.fixture(scope="module", autouse=True)
def add_ons(server: ApiServer) -> list[str]:
    """A cluster with KEDA and the Prometheus operator, and two teams; kinds that came with them.

    The definitions stay: an API server now and then takes minutes to let go of one.
    """
    found = definitions()
    teams = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (TEAM, OTHER))
    server.apply(*teams, *found)
    names = [one["metadata"]["name"] for one in found]
    server.kubectl(
        "wait",
        "--for=condition=Established",
        *(f"customresourcedefinition/{name}" for name in names),
        "--timeout=60s",
    )
    return names


@pytest.fixture(autouse=True)
def tidy(server: ApiServer, add_ons: list[str]) -> Iterator[None]:
    """Leave no object of an add-on to the next test."""
    yield
    for namespace in (TEAM, OTHER):
        server.kubectl("delete", ",".join(add_ons), "--all", "-n", namespace)


def operator(helm: Helm, log: Path, *flags: str) -> Operator:
    """Start the operator as the account and with the arguments of the release."""
    deployment = helm.server.get("deployment/besteffort", "-n", NAMESPACE)
    given = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    account = helm.server.kubeconfig_of("besteffort", NAMESPACE)
    return Operator(account, log, *(one for one in given if not one.startswith(OURS)), *flags)


def found(server: ApiServer, kind: str, namespace: str) -> set[str]:
    listed = server.get(kind, "-n", namespace, "-l", "app.kubernetes.io/managed-by=besteffort-operator")
    return {one["metadata"]["name"] for one in listed["items"]}


def apply(server: ApiServer, name: str, namespace: str) -> None:
    path = next(sample for sample in SAMPLES if sample.stem == name)

    def applied() -> bool | None:
        try:
            server.kubectl("apply", "-n", namespace, "-f", str(path))
        except CommandError:  # the definition is not served yet
            return None
        return True

    wait_for(applied, f"{name} to be taken")


def judged(server: ApiServer, name: str) -> dict[str, Any] | None:
    status: dict[str, Any] = server.get(f"besteffortservice/{name}", "-n", TEAM).get("status", {})
    return status if status.get("conditions") else None


def forbidden(running: Operator) -> list[str]:
    return [message for message in running.messages() if "forbidden" in message.lower()]


@pytest.mark.parametrize("namespaces", [[], [TEAM]], ids=["cluster", "namespace"])
def test_it_makes_all_that_samples_need(helm: Helm, namespaces: list[str], tmp_path: Path) -> None:
    server = helm.server
    helm("install", "besteffort", str(CHART), values={"watchNamespaces": namespaces})
    with operator(helm, tmp_path / "log") as running:
        for name in ("keda", "hugging-face"):
            apply(server, name, TEAM)
            wait_for(lambda name=name: judged(server, name), f"a status of {name}")
        wait_for(lambda: {"keda-triton", "keda-router"} <= found(server, "deployments", TEAM) or None, "Deployments")
        assert found(server, "scaledobjects.keda.sh", TEAM) == {"keda-triton"}
        assert found(server, "podmonitors.monitoring.coreos.com", TEAM) == {"hugging-face", "keda"}
        assert found(server, "persistentvolumeclaims", TEAM) == {"hugging-face-cache"}
        assert found(server, "horizontalpodautoscalers", TEAM)
        assert running.metric("besteffort_operator_leader") == 1
        assert forbidden(running) == []
    server.kubectl("delete", "besteffortservices", "--all", "-n", TEAM)


def test_it_leaves_other_namespaces_alone(helm: Helm, tmp_path: Path) -> None:
    server = helm.server
    helm("install", "besteffort", str(CHART), values={"watchNamespaces": [TEAM]})
    with operator(helm, tmp_path / "log") as running:
        apply(server, "one-gpu", OTHER)
        apply(server, "one-gpu", TEAM)
        wait_for(lambda: judged(server, "one-gpu"), "a status")
        assert found(server, "deployments", OTHER) == set()
        assert forbidden(running) == []
    server.kubectl("delete", "besteffortservices", "--all", "-n", TEAM)
    server.kubectl("delete", "besteffortservices", "--all", "-n", OTHER)


def test_it_looks_after_the_certificate_of_its_webhook_and_an_upgrade_leaves_it(helm: Helm, tmp_path: Path) -> None:
    server = helm.server

    def authority() -> str | None:
        webhook = server.get(f"mutatingwebhookconfiguration/{NAMESPACE}-besteffort")["webhooks"][0]
        trusted: str | None = webhook["clientConfig"].get("caBundle")
        return trusted

    helm("install", "besteffort", str(CHART), values=WEBHOOK)
    with operator(helm, tmp_path / "log", "--webhook=127.0.0.1:0") as running:
        trusted = wait_for(authority, "an authority that the API server trusts")
        kept = server.get("secret/besteffort-webhook", "-n", NAMESPACE)["data"]
        assert base64.b64decode(kept["tls.crt"]).startswith(b"-----BEGIN CERTIFICATE-----")
        assert forbidden(running) == []
    helm("upgrade", "besteffort", str(CHART), values=WEBHOOK | {"replicas": 3})
    assert authority() == trusted
    assert server.get("secret/besteffort-webhook", "-n", NAMESPACE)["data"] == kept
    helm("rollback", "besteffort", "1")
    assert authority() == trusted
    assert server.get("secret/besteffort-webhook", "-n", NAMESPACE)["data"] == kept
