"""What `policy inspect` says of a bundle, whichever network is in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from besteffort_cli.app import app
from besteffort_core.bundle import Bundle, bundle_to_bytes, parse_bundle
from besteffort_core.scorer import FEATURES
from support.bundles import random_bundle, random_dqn
from support.pools import SIZES, TASKS

if TYPE_CHECKING:
    from pathlib import Path


def inspected(tmp_path: Path, bundle: Bundle, *options: str) -> str:
    (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(bundle))
    found = CliRunner().invoke(app, ["policy", "inspect", str(tmp_path / "policy.safetensors"), *options])
    assert found.exit_code == 0
    return found.stdout


KINDS: list[tuple[Bundle, dict[str, Any]]] = [
    (random_bundle(), {"kind": "Learned", "inputs": len(FEATURES), "hidden": [4]}),
    (
        random_bundle(network=random_dqn()),
        {"kind": "DQN", "inputs": len(TASKS) + 1 + len(SIZES) + 1, "hidden": [16, 16]},
    ),
]


@pytest.mark.parametrize(("bundle", "wanted"), KINDS)
def test_a_bundle_says_what_it_is_whichever_network_is_in_it(
    tmp_path: Path, bundle: Bundle, wanted: dict[str, Any]
) -> None:
    facts = json.loads(inspected(tmp_path, bundle, "--output", "json"))
    assert {name: facts[name] for name in wanted} == wanted
    assert facts["digest"] == parse_bundle(bundle_to_bytes(bundle)).digest
    assert (facts["tasks"], facts["sizes"]) == (list(TASKS), list(SIZES))
    assert facts["price"] == [-1.0, 0.5, 2.0, 0.1]


def test_the_table_names_the_kind(tmp_path: Path) -> None:
    table = inspected(tmp_path, random_bundle(network=random_dqn()))
    assert ["kind", "DQN"] in [line.split() for line in table.splitlines()]
