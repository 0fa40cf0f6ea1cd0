from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_cli.local_service import load_local_service
from besteffort_cli.preparation import _check_bundle
from support.repository import write_service

if TYPE_CHECKING:
    from pathlib import Path

OF_A_CLUSTER = (
    "{configMapRef: {name: policies, key: policy.safetensors}}",
    "{pvc: {claimName: policies, path: policy.safetensors}}",
    '{oci: {image: "registry.example/policies:1", path: policy.safetensors}}',
)


@pytest.mark.parametrize("bundle", OF_A_CLUSTER)
@pytest.mark.parametrize(("kind", "ruling"), [("DQN", "Greedy"), ("Learned", "Learned"), ("Ladder", "Ladder")])
def test_what_rules_without_a_bundle_that_a_cluster_holds_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bundle: str, kind: str, ruling: str
) -> None:
    more = f"  policy: {{kind: {kind}, fallback: Greedy, bundle: {bundle}}}\n"
    _check_bundle(load_local_service(write_service(tmp_path / "service.yaml", ("small",), more=more)))
    assert capsys.readouterr().err == (
        f"spec.policy.bundle: what a cluster holds cannot be read here; until it is there {ruling} rules\n"
    )


@pytest.mark.parametrize(("kind", "ruling"), [("DQN", "Greedy"), ("Learned", "Greedy"), ("Price", "Price")])
def test_what_rules_until_a_file_is_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, ruling: str
) -> None:
    more = f"  policy: {{kind: {kind}, fallback: Greedy, bundle: {{path: none}}}}\n"
    _check_bundle(load_local_service(write_service(tmp_path / "service.yaml", ("small",), more=more)))
    assert capsys.readouterr().err.endswith(f"none; until it is there {ruling} rules\n")


def test_a_canary_is_not_tried_on_one_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = f"  policy: {{bundle: {{path: a}}, canary: {{bundle: {OF_A_CLUSTER[0]}}}}}\n  router: {{replicas: 2}}\n"
    _check_bundle(load_local_service(write_service(tmp_path / "service.yaml", ("small",), more=more)))
    assert "spec.policy.canary: one router runs here" in capsys.readouterr().err
