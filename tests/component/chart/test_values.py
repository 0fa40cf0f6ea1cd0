"""The chart's values: each is explained, each does something, and what is wrong is refused before anything happens."""

from __future__ import annotations

import copy
import importlib.util
import json
from typing import Any

import pytest
import yaml

from support.chart import CHART, EVERYTHING, NAMESPACE, ROOT, render, run, template

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
DIGEST = "sha256:" + "0123456789abcdef" * 4


def at(path: str, value: object) -> dict[str, Any]:
    """Values with one of them set."""
    values: Any = value
    for word in reversed(path.split(".")):
        values = {word: values}
    return values


def reference() -> Any:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "charts" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_helm_finds_nothing_to_complain_about() -> None:
    for values in ({}, EVERYTHING, {"watchNamespaces": ["a", "b"]}):
        done = run(
            "helm", "lint", "--strict", str(CHART), "--namespace", NAMESPACE, "--values", "-", text=json.dumps(values)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "[WARNING]" not in done.stdout
        assert "[ERROR]" not in done.stdout


def test_a_comment_explains_every_value() -> None:
    assert reference().uncommented() == []


def test_the_reference_of_values_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "chart.md").read_text() == reference().page(), "run `make docs`"


def test_the_schema_knows_exactly_the_values_that_there_are() -> None:
    def keys(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        assert schema["type"] == "object", path
        if "properties" not in schema:
            return  # a map that users fill
        assert schema["additionalProperties"] is False, path
        if values:
            assert set(schema["properties"]) == set(values), path
        for key, value in values.items():
            if isinstance(value, dict):
                keys(value, schema["properties"][key], f"{path}.{key}")

    keys(DEFAULTS, json.loads((CHART / "values.schema.json").read_text()), "values")


REFUSED = {
    "unknown key": ({"replica": 2}, "replica"),
    "unknown key below another": (at("image.repo", "x"), "repo"),
    "unknown key of the deepest block": (at("metrics.rules.label", {}), "label"),
    "no name of an object": (at("fullnameOverride", "Best_Effort"), "fullnameOverride"),
    "a name that leaves no room for suffixes": (at("fullnameOverride", "b" * 51), "fullnameOverride"),
    "a registry with a scheme": (at("image.repository", "https://registry/operator"), "repository"),
    "an empty repository": (at("routerImage.repository", ""), "repository"),
    "a tag with a blank": (at("image.tag", "1.0 rc"), "tag"),
    "a tag that is a number": (at("image.tag", 1.0), "tag"),
    "a digest cut short": (at("image.digest", "sha256:abc"), "digest"),
    "an unknown pull policy": (at("image.pullPolicy", "Sometimes"), "pullPolicy"),
    "no replica": (at("replicas", 0), "replicas"),
    "a text for a number": (at("replicas", "two"), "replicas"),
    "more replicas than make sense": (at("replicas", 50), "replicas"),
    "a namespace with capitals": (at("watchNamespaces", ["Team-A"]), "watchNamespaces"),
    "a namespace twice": (at("watchNamespaces", ["a", "a"]), "watchNamespaces"),
    "a namespace that is no list": (at("watchNamespaces", "a"), "watchNamespaces"),
    "an unknown form of the log": (at("logFormat", "xml"), "logFormat"),
    "a text for a switch": (at("crds.install", "yes please"), "install"),
    "a number for a switch": (at("webhook.enabled", 1), "enabled"),
    "an unknown failure policy": (at("webhook.failurePolicy", "Retry"), "failurePolicy"),
    "a timeout that the API server refuses": (at("webhook.timeoutSeconds", 31), "timeoutSeconds"),
    "a port of root": (at("webhook.port", 443), "port"),
    "the port that metrics have": (at("webhook.port", 9091), "port"),
    "an unknown kind of monitor": (at("metrics.monitor.kind", "Probe"), "kind"),
    "an interval without unit": (at("metrics.monitor.interval", "30"), "interval"),
    "runbooks with an anchor": (at("metrics.rules.runbooks", "https://wiki/alerts#x"), "runbooks"),
    "a label that is a number": (at("metrics.rules.labels", {"release": 1}), "labels"),
    "an annotation that is a switch": (at("podAnnotations", {"inject": True}), "podAnnotations"),
    "a quantity that is none": (at("resources.limits", {"memory": "plenty"}), "memory"),
    "an unknown block of resources": (at("resources.maximum", {}), "maximum"),
    "no port of the API server": (at("networkPolicy.apiServerPorts", []), "apiServerPorts"),
    "an unknown peer": (at("networkPolicy.metricsFrom", [{"namespace": "monitoring"}]), "metricsFrom"),
    "an unknown affinity": (at("affinity", {"hostAffinity": {}}), "hostAffinity"),
    "a spread without topology": (at("topologySpreadConstraints", [{"maxSkew": 1}]), "topology"),
    "an object without kind": (at("extraObjects", [{"metadata": {"name": "x"}}]), "extraObjects"),
    "a pull secret that is an object": (at("imagePullSecrets", [{"name": "x"}]), "imagePullSecrets"),
}


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    done = template(values)
    assert done.returncode != 0
    assert "schema" in done.stderr
    assert named in done.stderr


def test_an_account_that_is_not_made_must_have_a_name() -> None:
    done = template({"serviceAccount": {"create": False}})
    assert done.returncode != 0
    assert "serviceAccount.name must name an existing one" in done.stderr


CHANGED = {
    "fullnameOverride": "other",
    "image.repository": "registry.example/operator",
    "image.tag": "2.0.0",
    "image.digest": DIGEST,
    "image.pullPolicy": "Always",
    "routerImage.repository": "registry.example/router",
    "routerImage.tag": "2.0.0",
    "routerImage.digest": DIGEST,
    "imagePullSecrets": ["registry"],
    "replicas": 3,
    "watchNamespaces": ["team-a", "team-b"],
    "logFormat": "text",
    "crds.install": False,
    "crds.keep": False,
    "serviceAccount.create": False,
    "serviceAccount.name": "other",
    "serviceAccount.annotations": {"a": "b"},
    "rbac.create": False,
    "rbac.aggregate": False,
    "webhook.enabled": False,
    "webhook.port": 10443,
    "webhook.failurePolicy": "Fail",
    "webhook.timeoutSeconds": 10,
    "metrics.monitor.enabled": False,
    "metrics.monitor.kind": "ServiceMonitor",
    "metrics.monitor.interval": "10s",
    "metrics.monitor.labels": {"release": "prometheus"},
    "metrics.rules.enabled": False,
    "metrics.rules.labels": {"release": "prometheus"},
    "metrics.rules.runbooks": "https://wiki.example/alerts",
    "metrics.dashboards.enabled": False,
    "metrics.dashboards.labels": {"dashboard": "yes"},
    "metrics.dashboards.annotations": {"folder": "serving"},
    "podDisruptionBudget.enabled": False,
    "networkPolicy.enabled": False,
    "networkPolicy.apiServerPorts": [8443],
    "networkPolicy.metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}],
    "networkPolicy.webhookFrom": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "serving"},
    "nodeSelector": {"pool": "system"},
    "tolerations": [{"key": "system", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "priorityClassName": "system-cluster-critical",
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}}],
}


def test_every_value_has_a_change_to_try() -> None:
    def leaves(values: dict[str, Any], above: str) -> list[str]:
        paths = []
        for key, value in values.items():
            path = above + key
            deeper = isinstance(value, dict) and value and path not in CHANGED
            paths += leaves(value, f"{path}.") if deeper else [path]
        return paths

    assert sorted(leaves(DEFAULTS, "")) == sorted([*CHANGED, "global"])


def merged(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(values)
    for key, value in others.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


@pytest.fixture(scope="module")
def everything() -> list[dict[str, Any]]:
    return render(EVERYTHING)


@pytest.mark.parametrize("path", CHANGED)
def test_no_value_is_dead(path: str, everything: list[dict[str, Any]]) -> None:
    values = merged(EVERYTHING, at(path, CHANGED[path]))
    if path == "serviceAccount.create":
        values["serviceAccount"]["name"] = "existing"
    assert render(values) != everything


def test_global_values_of_a_parent_chart_are_let_through(everything: list[dict[str, Any]]) -> None:
    assert render(merged(EVERYTHING, {"global": {"region": "eu"}})) == everything
