from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from besteffort_resource.crd import COLUMNS, LISTS, crd, crd_yaml
from besteffort_resource.schema import fields
from besteffort_resource.service import BestEffortService

ROOT = Path(__file__).parents[3]
SCHEMA = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every place of a schema, outer before inner."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}".lstrip("."))
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], path + suffix)


@pytest.mark.parametrize("path", ["manifests/crd.yaml", "charts/besteffort/files/crd.yaml"])
def test_the_committed_definition_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == crd_yaml(), "run `make manifests`"


def test_the_module_writes_the_definition() -> None:
    command = [sys.executable, "-m", "besteffort_resource.crd"]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert made == crd_yaml()
    assert yaml.safe_load(made) == crd()


def test_every_field_of_the_models_is_in_the_schema_and_described() -> None:
    described = {path for path, node in nodes(SCHEMA) if node.get("description")}
    listed = {path for path, _, _ in fields(BestEffortService)}
    assert listed - described == {"metadata", "metadata.name"}


def test_every_field_of_the_status_is_described() -> None:
    status = [(path, node) for path, node in nodes(SCHEMA) if path.startswith("status.") and not path.endswith("[]")]
    assert len(status) > 20
    assert [path for path, node in status if not node.get("description")] == []


def test_the_schema_is_structural() -> None:
    text = json.dumps(SCHEMA)
    for word in ("$ref", "$defs", "anyOf", "allOf", "oneOf", "const", "title", "form", "examples", "null"):
        assert f'"{word}"' not in text
    for path, node in nodes(SCHEMA):
        assert "type" in node or "x-kubernetes-int-or-string" in node, path


def test_every_list_map_and_text_of_the_spec_is_bounded_so_that_rules_have_a_price() -> None:
    bounds = {"array": "maxItems", "string": "maxLength"}
    for path, node in nodes(SCHEMA["properties"]["spec"]):
        bound = bounds.get(node.get("type", ""))
        assert bound is None or bound in node or "enum" in node, path
        if "additionalProperties" in node or "x-kubernetes-preserve-unknown-fields" in node:
            assert "maxProperties" in node, path


def test_whole_numbers_have_a_width_and_bounds() -> None:
    for path, node in nodes(SCHEMA):
        if node.get("type") == "integer":
            assert node["format"] in ("int32", "int64"), path
            assert "minimum" in node, path


def test_every_list_of_the_table_is_a_list_and_has_its_keys() -> None:
    found = dict(nodes(SCHEMA))
    for path, kind in LISTS.items():
        assert found[path]["type"] == "array"
        for key in kind.get("x-kubernetes-list-map-keys", ()):
            assert key in found[path]["items"]["required"]


def test_every_rule_has_a_sentence_and_a_field_that_exists() -> None:
    found = dict(nodes(SCHEMA))
    rules = [(path, rule) for path, node in found.items() for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) > 100
    for path, rule in rules:
        assert "message" in rule or "messageExpression" in rule
        assert "\n" not in json.dumps(rule)
        assert (path + rule.get("fieldPath", "")).lstrip(".") in found


def test_the_columns_point_at_fields_that_exist() -> None:
    paths = {path.replace("[]", "") for path, _ in nodes(SCHEMA)} | {"metadata.creationTimestamp"}
    for _, _, path, _ in COLUMNS:
        assert path.replace('[?(@.type=="Ready")]', "").lstrip(".") in paths
