"""What helm does with the chart on a real API server: install, upgrade, roll back, uninstall."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster.errors import CommandError
from support.chart import CHART, EVERYTHING, NAMESPACE, ROOT, SAMPLES, of_kind, render

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.control_plane import ApiServer
    from support.chart import Helm

CRD = "customresourcedefinition/besteffortservices.serving.besteffort.dev"
WEBHOOK = {"webhook": {"enabled": True}}


def exists(server: ApiServer, *names: str) -> bool:
    return bool(server.kubectl("get", *names, "--ignore-not-found", "-o", "name").strip())


def served(server: ApiServer) -> None:
    server.kubectl("wait", "--for=condition=Established", CRD, "--timeout=30s")


def older(folder: Path) -> Path:
    """The chart as a version before might have been: its definition has a column and a property less."""
    chart = folder / "besteffort"
    shutil.copytree(CHART, chart)
    path = chart / "files" / "crd.yaml"
    crd = yaml.safe_load(path.read_text())
    version = crd["spec"]["versions"][0]
    version.pop("additionalPrinterColumns", None)
    version["schema"]["openAPIV3Schema"]["description"] = "An older one."
    path.write_text(yaml.safe_dump(crd))
    meta = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(meta | {"version": "0.0.9", "appVersion": "0.0.9"}))
    return chart


def describe(server: ApiServer) -> str:
    found = server.get(CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return str(found.get("description", ""))


def image(server: ApiServer) -> str:
    pod = server.get("deployment/besteffort", "-n", NAMESPACE)["spec"]["template"]["spec"]
    return str(pod["containers"][0]["image"])


def test_an_install_makes_all_that_the_chart_has(helm: Helm) -> None:
    said = helm("install", "besteffort", str(CHART), values=WEBHOOK)
    assert "kubectl rollout status deployment/besteffort" in said
    for manifest in render(WEBHOOK):
        if manifest["metadata"].get("annotations", {}).get("helm.sh/hook") == "test":
            continue
        found = [manifest["kind"], manifest["metadata"]["name"]]
        within = manifest["metadata"].get("namespace")
        helm.server.get(*found, *(["-n", within] if within else []))


def test_an_upgrade_brings_the_new_definition_and_a_rollback_the_old(helm: Helm, tmp_path: Path) -> None:
    helm("install", "besteffort", str(older(tmp_path)))
    assert describe(helm.server) == "An older one."
    assert image(helm.server) == "besteffort/operator:0.0.9"
    helm("upgrade", "besteffort", str(CHART))
    assert describe(helm.server) != "An older one."
    assert image(helm.server) == "besteffort/operator:0.1.0"
    helm("rollback", "besteffort", "1")
    assert describe(helm.server) == "An older one."
    assert image(helm.server) == "besteffort/operator:0.0.9"


def test_services_outlive_an_upgrade_and_an_uninstall_by_default(helm: Helm, tmp_path: Path) -> None:
    server = helm.server
    helm("install", "besteffort", str(older(tmp_path)))
    served(server)
    server.kubectl("apply", "-n", NAMESPACE, "-f", str(SAMPLES[0]))
    helm("upgrade", "besteffort", str(CHART))
    helm("uninstall", "besteffort")
    assert not exists(server, "deployment/besteffort", "-n", NAMESPACE)
    assert not exists(server, "clusterrole", "-l", "app.kubernetes.io/instance=besteffort")
    assert exists(server, f"besteffortservice/{SAMPLES[0].stem}", "-n", NAMESPACE)
    helm("install", "besteffort", str(CHART))  # takes the definition up again
    assert exists(server, f"besteffortservice/{SAMPLES[0].stem}", "-n", NAMESPACE)


def test_the_definition_goes_with_the_release_where_one_asks_for_it(helm: Helm) -> None:
    helm("install", "besteffort", str(CHART), values={"crds": {"keep": False}})
    helm("uninstall", "besteffort", "--wait=false")
    served_still = helm.server.get("customresourcedefinition")["items"]
    left = [crd for crd in served_still if "deletionTimestamp" not in crd["metadata"]]
    assert "besteffortservices.serving.besteffort.dev" not in [crd["metadata"]["name"] for crd in left]


def test_a_second_release_that_brings_the_definition_too_is_refused(helm: Helm) -> None:
    helm("install", "besteffort", str(CHART))
    again = helm.tried("install", "besteffort", str(CHART))
    assert again.returncode != 0
    assert "cannot re-use a name that is still in use" in again.stderr
    other = helm.tried("install", "second", str(CHART), "--create-namespace", namespace="second")
    assert other.returncode != 0
    assert "invalid ownership metadata" in other.stderr
    assert helm.releases() == [("besteffort", NAMESPACE)]


def test_two_releases_share_a_cluster_by_namespaces(helm: Helm) -> None:
    server = helm.server
    for team in ("team-a", "team-b"):
        if not exists(server, "namespace", team):
            server.kubectl("create", "namespace", team)
    helm("install", "besteffort", str(CHART), values={"watchNamespaces": ["team-a"]})
    second = {"watchNamespaces": ["team-b"], "crds": {"install": False}}
    helm("install", "besteffort", str(CHART), values=second, namespace="team-b")
    assert exists(server, "role", f"{NAMESPACE}-besteffort", "-n", "team-a")
    assert exists(server, "role", "team-b-besteffort", "-n", "team-b")


def test_an_upgrade_that_the_schema_refuses_changes_nothing(helm: Helm) -> None:
    helm("install", "besteffort", str(CHART))
    refused = helm.tried("upgrade", "besteffort", str(CHART), values={"replicas": 0})
    assert refused.returncode != 0
    assert helm.server.get("deployment/besteffort", "-n", NAMESPACE)["spec"]["replicas"] == 2


def test_the_plain_manifests_can_be_applied_again_and_deleted(helm: Helm) -> None:
    server, path = helm.server, str(ROOT / "manifests" / "install.yaml")
    for _ in range(2):
        server.kubectl("apply", "--server-side", "-f", path)
    assert exists(server, "deployment/besteffort", "-n", NAMESPACE)
    kept = [
        one
        for one in yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text())
        if one["kind"] != "Namespace"
    ]
    server.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(kept))
    assert not exists(server, "deployment/besteffort", "-n", NAMESPACE)


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_pods_pass_the_restricted_standard(helm: Helm, kind: str) -> None:
    server = helm.server
    if not exists(server, "namespace", "restricted"):
        server.kubectl("create", "namespace", "restricted")
        server.kubectl("label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted")
        for account in ("besteffort", "default"):
            server.kubectl("create", "serviceaccount", account, "-n", "restricted")
    manifest = of_kind(render(EVERYTHING), kind)
    template: dict[str, Any] = manifest["spec"]["template"] if kind == "Deployment" else manifest
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tried", "namespace": "restricted", "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }
    create = ["create", "--dry-run=server", "-n", "restricted", "-f", "-"]
    server.kubectl(*create, input=json.dumps(pod))
    del pod["spec"]["containers"][0]["securityContext"]
    with pytest.raises(CommandError, match="restricted"):
        server.kubectl(*create, input=json.dumps(pod))
