"""What is made from the chart is current, and says what was meant."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import yaml

from besteffort_operator.__main__ import LAST_RECONCILES_S
from besteffort_operator.settings import WebhookSettings, read_settings
from besteffort_resource.document import load_service
from support.chart import CHART, EVERYTHING, NAMESPACE, ROOT, SAMPLES, of_kind, program, render, template


def renderer() -> Any:
    spec = importlib.util.spec_from_file_location("render", ROOT / "charts" / "render.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pod(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = of_kind(manifests, "Deployment")["spec"]["template"]
    return found


def container(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = pod(manifests)["spec"]["containers"][0]
    return found


def test_the_plain_manifests_are_current() -> None:
    assert (ROOT / "manifests" / "install.yaml").read_text() == renderer().install(program("helm")), (
        "run `make manifests`"
    )


def test_the_plain_manifests_have_a_namespace_and_the_definition_before_all_else_and_no_helm() -> None:
    text = (ROOT / "manifests" / "install.yaml").read_text()
    assert [one["kind"] for one in yaml.safe_load_all(text)][:2] == ["Namespace", "CustomResourceDefinition"]
    assert "helm.sh" not in text


def test_the_definition_of_the_chart_is_the_one_made_from_the_models() -> None:
    made = yaml.safe_load((ROOT / "manifests" / "crd.yaml").read_text())
    shipped = of_kind(render({}), "CustomResourceDefinition")
    assert shipped["spec"] == made["spec"]
    assert shipped["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    loose = of_kind(render({"crds": {"keep": False}}), "CustomResourceDefinition")
    assert "helm.sh/resource-policy" not in loose["metadata"].get("annotations", {})


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_valid_and_called_like_its_file(path: Any) -> None:
    assert load_service(path).metadata.name == path.stem


def test_the_operator_understands_the_arguments_that_the_chart_gives_it() -> None:
    settings = read_settings(container(render({}))["args"])
    assert settings.metrics == ("0.0.0.0", 9091)
    assert settings.namespaces == ()
    assert settings.lease_namespace == NAMESPACE
    assert settings.router_image == "besteffort/router:0.1.0"
    narrow = read_settings(container(render({"watchNamespaces": ["team-a", "team-b"], "logFormat": "text"}))["args"])
    assert narrow.namespaces == ("team-a", "team-b")
    assert narrow.log_format == "text"
    assert narrow.webhook is None
    hooked = read_settings(container(render(EVERYTHING | {"fullnameOverride": "other"}))["args"]).webhook
    assert hooked == WebhookSettings(("0.0.0.0", 9443), "other-webhook", f"{NAMESPACE}-other")


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "a" * 64
    values = {"image": {"tag": "1.0", "digest": digest}, "routerImage": {"digest": digest}}
    found = container(render(values))
    assert found["image"] == f"besteffort/operator@{digest}"
    assert f"--router-image=besteffort/router@{digest}" in found["args"]


def test_the_webhook_the_arguments_the_secret_and_the_role_name_the_same() -> None:
    manifests = render(EVERYTHING)
    webhook, secret = of_kind(manifests, "MutatingWebhookConfiguration"), of_kind(manifests, "Secret")
    args = container(manifests)["args"]
    assert f"--webhook-secret={secret['metadata']['name']}" in args
    assert f"--webhook-configuration={webhook['metadata']['name']}" in args
    service = webhook["webhooks"][0]["clientConfig"]["service"]
    ports = of_kind(manifests, "Service")["spec"]["ports"]
    assert service["name"] == of_kind(manifests, "Service")["metadata"]["name"]
    assert service["port"] in [port["port"] for port in ports]
    assert "caBundle" not in webhook["webhooks"][0]["clientConfig"]
    assert "data" not in secret


def test_with_a_webhook_a_pod_that_goes_answers_until_no_api_server_calls_it() -> None:
    found = pod(render({"webhook": {"enabled": True}}))["spec"]
    sleep_s = found["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep_s >= 5
    assert found["terminationGracePeriodSeconds"] >= sleep_s + LAST_RECONCILES_S + 5
    assert "lifecycle" not in container(render())


def test_the_webhook_hears_of_labelled_pods_in_watched_namespaces_only() -> None:
    webhook = of_kind(render(EVERYTHING | {"watchNamespaces": ["team-a"]}), "MutatingWebhookConfiguration")["webhooks"][
        0
    ]
    assert webhook["objectSelector"]["matchExpressions"] == [
        {"key": "serving.besteffort.dev/inject", "operator": "Exists"}
    ]
    assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == ["team-a"]
    assert webhook["failurePolicy"] == "Ignore"


def test_all_that_selects_the_operators_pods_does() -> None:
    manifests = render(EVERYTHING | {"podLabels": {"team": "serving"}})
    labels = pod(manifests)["metadata"]["labels"]
    selectors = [
        of_kind(manifests, "Deployment")["spec"]["selector"]["matchLabels"],
        of_kind(manifests, "Service")["spec"]["selector"],
        of_kind(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        of_kind(manifests, "PodMonitor")["spec"]["selector"]["matchLabels"],
    ]
    test_labels = of_kind(manifests, "Pod")["metadata"]["labels"]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= test_labels.items()


def test_users_labels_cannot_break_the_selector() -> None:
    labels = pod(render({"podLabels": {"app.kubernetes.io/name": "mine"}}))["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "besteffort-operator"


def test_one_replica_has_no_disruption_budget_that_would_block_a_drain() -> None:
    assert [one for one in render({"replicas": 1}) if one["kind"] == "PodDisruptionBudget"] == []


def test_further_objects_are_templates() -> None:
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}}
    assert of_kind(render({"extraObjects": [extra]}), "ConfigMap")["metadata"]["name"] == "besteffort-extra"


def test_two_releases_share_no_name_in_the_cluster() -> None:
    values = EVERYTHING | {"crds": {"install": False}}
    cluster_wide = ("ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration")

    def names(manifests: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(one["kind"], one["metadata"]["name"]) for one in manifests if one["kind"] in cluster_wide}

    assert not names(render(values)) & names(render(values, release="second"))


def test_each_release_takes_the_lease_that_its_role_names() -> None:
    def lease(release: str) -> str:
        manifests = render({}, release=release)
        (argument,) = [
            one for one in pod(manifests)["spec"]["containers"][0]["args"] if one.startswith("--lease-name=")
        ]
        own = of_kind(manifests, "Role", "-own")
        (bound,) = [rule["resourceNames"] for rule in own["rules"] if "get" in rule["verbs"]]
        assert bound == [argument.removeprefix("--lease-name=")]
        return argument

    assert lease("first") != lease("second")


def test_an_install_without_rights_in_the_cluster_makes_objects_of_namespaces_alone() -> None:
    values = {"watchNamespaces": ["team-a"], "rbac": {"aggregate": False}, "crds": {"install": False}}
    assert [one["kind"] for one in render(values) if "namespace" not in one["metadata"]] == []


def test_the_longest_release_name_makes_valid_names() -> None:
    done = template(EVERYTHING, release="r" * 53)
    assert done.returncode == 0, done.stderr
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(done.stdout) if one]
    assert max(len(name) for name in names) <= 80
    service = of_kind([one for one in yaml.safe_load_all(done.stdout) if one], "Service")
    assert len(service["metadata"]["name"]) <= 63


def test_the_chart_is_of_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert chart["appVersion"] == chart["version"]
