"""A real Triton takes the arguments and the repositories that the operator gives its pods."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from besteffort_cli.installation import find_or_install, home_folder
from besteffort_cli.process import KeptProcess
from besteffort_cli.triton import free_port
from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.hugging_face import REPOSITORY
from support.manifests import CONTEXT, container_of, one, pod_of
from support.processes import eventually
from support.repository import write_model
from support.services import hub_size, service, size

pytestmark = pytest.mark.triton

READY_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pod")


@pytest.fixture(scope="module")
def deployment(folder: Path) -> dict[str, Any]:
    """All sizes on one server: one from a folder, which holds a broken model too, and one of the hub."""
    found = service(size("plain", f"file://{folder}/models"), hub_size("hub"))
    write_model(folder / "models", "model_plain")
    (write_model(folder / "models", "broken") / "1" / "model.py").write_text("import nonsense\n")
    manifest = one(wanted(found, CONTEXT), "Deployment", "assistant-triton")
    (volume,) = [volume for volume in pod_of(manifest)["volumes"] if volume["name"] == "models"]
    project(folder / "hub", [item["path"] for item in volume["downwardAPI"]["items"]])
    return manifest


def project(target: Path, paths: list[str]) -> None:
    """Lay files out as the kubelet does those of a pod's annotations, all of them links; the backend is not vLLM's."""
    model = write_model(target / "..1", "hub")
    assert {path.split("/")[0] for path in paths} == {"hub"}
    assert all((model.parent / path).exists() or path.endswith("1/model.json") for path in paths)
    (target / "..data").symlink_to("..1")
    (target / "hub").symlink_to("..data/hub")


@pytest.fixture(scope="module")
def address(folder: Path, deployment: dict[str, Any]) -> Iterator[str]:
    """The HTTP address of a server that runs as the container says, on ports that are free here."""
    installation = find_or_install(home_folder(), lambda _: None)
    ports = {f"--{name}-port": free_port() for name in ("http", "grpc", "metrics")}
    given = [argument.split("=") for argument in container_of(deployment)["args"][1:]]
    here = {REPOSITORY: str(folder / "hub")}
    arguments = [f"{name}={ports.get(name, here.get(value, value))}" for name, value in given]
    process = KeptProcess(
        [str(installation.server), *arguments, *installation.flags],
        log=folder / "triton.log",
        environment=installation.environment,
    )
    try:
        yield f"http://127.0.0.1:{ports['--http-port']}"
    finally:
        process.stop()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except OSError:
        return 0


def test_it_becomes_ready_by_the_probes_of_the_pod(address: str, deployment: dict[str, Any]) -> None:
    container = container_of(deployment)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        path = container[probe]["httpGet"]["path"]
        assert eventually(lambda url=address + path: status(url) == 200, within_s=READY_S)


def test_it_has_loaded_the_sizes_of_both_repositories_and_nothing_else(address: str) -> None:
    assert eventually(lambda: status(f"{address}/v2/health/ready") == 200, within_s=READY_S)
    request = urllib.request.Request(f"{address}/v2/repository/index", data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        found = json.loads(answer.read())
    assert {each["name"] for each in found if each.get("state") == "READY"} == {"model_plain", "hub"}
