"""Every service of tests/golden/manifests/input gives the committed objects.

UPDATE_GOLDEN=1 writes the outputs anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.manifests import GOLDEN, INPUTS, wanted_of


class Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Dumper.add_representer(str, block)


def text_of(manifests: list[dict[str, Any]]) -> str:
    return yaml.dump_all(manifests, Dumper=Dumper, explicit_start=True, sort_keys=False, width=120)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_a_service_gives_its_committed_objects(path: Path) -> None:
    output = GOLDEN / "output" / path.name
    found = text_of(wanted_of(path))
    if os.environ.get("UPDATE_GOLDEN"):
        output.write_text(found, encoding="utf-8")
    assert found == output.read_text(encoding="utf-8")


def test_no_output_is_left_without_an_input() -> None:
    assert {path.name for path in (GOLDEN / "output").iterdir()} == {path.name for path in INPUTS}
