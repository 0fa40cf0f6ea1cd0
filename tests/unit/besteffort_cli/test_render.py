from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from besteffort_cli.errors import InputError
from besteffort_cli.render import render
from support.manifests import CONTEXT, GOLDEN, INPUTS

app = typer.Typer()
app.command()(render)
IMAGE = ("--router-image", CONTEXT.router_image, "-n", "models")
PROFILE = """\
sizes:
  small: {quality: {default: "0.5"}, latency: [{batch: 1, seconds: "0.01"}]}
"""
SERVICE = """\
apiVersion: serving.besteffort.dev/v1alpha1
kind: BestEffortService
metadata: {name: assistant}
spec:
  profile: {configMapRef: {name: assistant-profile, key: profile.yaml}}
  sizes:
  - name: small
    model: {repository: {uri: s3://b/m, name: m}}
"""


def rendered(*words: str) -> list[dict[str, Any]]:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.stdout))


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


def comparable(manifest: dict[str, Any], *, scaled: bool) -> dict[str, Any]:
    """Leave out what only an operator in a cluster knows: the owner, its version, and what it scales to."""
    metadata = manifest["metadata"]
    metadata.pop("ownerReferences", None)
    metadata["labels"].pop("app.kubernetes.io/version")
    annotations = metadata.pop("annotations", {})
    annotations.pop("serving.besteffort.dev/wanted", None)
    if scaled and manifest["kind"] == "Deployment":
        manifest["spec"].pop("replicas", None)
    return manifest | {"annotations": annotations}


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_render_shows_what_the_operator_wants(path: Path) -> None:
    scaled = path.stem == "dedicated-and-scaled"
    golden = list(yaml.safe_load_all((GOLDEN / "output" / path.name).read_text()))
    found = rendered(str(path), *IMAGE)
    assert [comparable(m, scaled=scaled) for m in found] == [comparable(m, scaled=scaled) for m in golden]


def test_nothing_rendered_has_an_owner_or_a_fingerprint() -> None:
    for manifest in rendered(str(INPUTS[0])):
        assert "ownerReferences" not in manifest["metadata"]
        assert "serving.besteffort.dev/wanted" not in manifest["metadata"].get("annotations", {})


def test_json_is_one_list_with_the_same_objects() -> None:
    done = run(str(INPUTS[0]), *IMAGE, "--output", "json")
    found = json.loads(done.stdout)
    assert found["kind"] == "List"
    assert found["items"] == rendered(str(INPUTS[0]), *IMAGE)


def test_a_profile_in_the_cluster_is_asked_for_as_a_file(tmp_path: Path) -> None:
    path, profile = tmp_path / "service.yaml", tmp_path / "profile.yaml"
    path.write_text(SERVICE)
    profile.write_text(PROFILE)
    error = run(str(path)).exception
    assert isinstance(error, InputError)
    assert "ConfigMap assistant-profile" in str(error)
    assert "--profile FILE" in str(error)
    (config,) = [m for m in rendered(str(path), "--profile", str(profile)) if "router.json" in m.get("data", {})]
    assert '"quality": 0.5' in config["data"]["router.json"]


def test_what_only_one_machine_can_do_is_refused_with_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(SERVICE.replace("s3://b/m", "models"))
    error = run(str(path)).exception
    assert isinstance(error, InputError)
    assert str(error).startswith(f"{path}: spec.sizes[0].model.repository.uri: ")
