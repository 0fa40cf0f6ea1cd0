"""Every manifest is what Kubernetes takes: by kubeconform with the API server's schemas, and by the server itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support import kube_schemas
from support.addons import definitions
from support.chart import CHART, EVERYTHING, NAMESPACE, ROOT, SAMPLES, render, run

if TYPE_CHECKING:
    from cluster.control_plane import ApiServer

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "one namespace": EVERYTHING | {"watchNamespaces": ["team-a"]},
    "one replica, nothing optional": {
        "replicas": 1,
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "crds": {"install": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "existing"},
    },
    "service monitor": {"metrics": {"monitor": {"enabled": True, "kind": "ServiceMonitor", "labels": {"a": "b"}}}},
    "placed": {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}
                ]
            }
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "priorityClassName": "system-cluster-critical",
        "podAnnotations": {"a": "b"},
        "podLabels": {"team": "serving"},
        "imagePullSecrets": ["registry"],
        "image": {"digest": "sha256:" + "0" * 64},
    },
    "metrics for some": {
        "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}]}
    },
    "an object more": {
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-x"}, "data": {"a": "b"}}
        ]
    },
}

REFERRED = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}},
    *(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
        for name in ("besteffort", "existing")
    ),
)


@pytest.fixture(scope="module")
def schemas(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    own = yaml.safe_load((CHART / "files" / "crd.yaml").read_text())
    return kube_schemas.write(tmp_path_factory.mktemp("schemas"), server, [own, *definitions()])


def faults(schemas: str, text: str) -> list[str]:
    done = run("kubeconform", "-strict", "-output", "json", "-schema-location", schemas, "-", text=text)
    assert done.stdout, done.stderr
    return [f"{one['kind']} {one['name']}: {one['msg']}" for one in json.loads(done.stdout).get("resources") or []]


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_what_the_chart_makes_fits_the_schemas(values: dict[str, Any], schemas: str) -> None:
    assert faults(schemas, yaml.safe_dump_all(render(values))) == []


def test_an_unknown_field_would_be_found(schemas: str) -> None:
    manifests = render(EVERYTHING)
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "PodMonitor", "NetworkPolicy"):
            manifest["spec"]["replica"] = 1
    assert len(faults(schemas, yaml.safe_dump_all(manifests))) == 3


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_the_definition(path: Any, schemas: str) -> None:
    assert faults(schemas, path.read_text()) == []


def test_the_plain_manifests_fit_the_schemas(schemas: str) -> None:
    assert faults(schemas, (ROOT / "manifests" / "install.yaml").read_text()) == []


@pytest.fixture(scope="module")
def defined(server: ApiServer) -> Any:
    """The server with the definitions of ours and of add-ons, and with what manifests refer to."""
    own = yaml.safe_load((CHART / "files" / "crd.yaml").read_text())
    crds = [own, *definitions()]
    server.apply(*crds, *REFERRED)
    names = [f"customresourcedefinition/{crd['metadata']['name']}" for crd in crds]
    server.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")
    yield server
    server.kubectl("delete", *names)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_api_server_takes_a_sample(path: Any, defined: ApiServer) -> None:
    flags = ["--dry-run=server", "--validate=strict", "-n", NAMESPACE]
    defined.kubectl("apply", *flags, "-f", str(path))


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_the_api_server_takes_what_the_chart_makes(values: dict[str, Any], defined: ApiServer) -> None:
    manifests = {"apiVersion": "v1", "kind": "List", "items": render(values)}
    flags = ["--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts"]
    defined.kubectl("apply", *flags, "-f", "-", input=json.dumps(manifests))
