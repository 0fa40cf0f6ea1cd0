"""Write the reference of the chart's values from values.yaml, where the comment above a key is its meaning."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["page", "uncommented"]

CHART = Path(__file__).with_name("besteffort")
HEAD = """# Values of the chart

<!-- Made by `make docs` from charts/besteffort/values.yaml; a test compares. Change the comments there instead. -->

`helm install besteffort charts/besteffort --values my-values.yaml`; `--set` does for single ones. A key that is not
here, a value of another type, and one outside its bounds are refused before anything is installed.

| Value | Default | Bounds | Meaning |
|---|---|---|---|
"""
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]+):(?P<rest>.*)$")


def page() -> str:
    """Return the page in Markdown."""
    text = (CHART / "values.yaml").read_text()
    values, schema = yaml.safe_load(text), json.loads((CHART / "values.schema.json").read_text())
    rows = [
        f"| `{path}` | `{json.dumps(_at(values, path))}` | {_bounds(_field(schema, path))} | {meaning} |"
        for path, meaning in _comments(text)
    ]
    return HEAD + "\n".join(rows) + "\n"


def uncommented() -> list[str]:
    """Return the values that no comment explains."""
    text = (CHART / "values.yaml").read_text()
    explained = {path for path, _ in _comments(text)}
    return [path for path in _leaves(yaml.safe_load(text), "") if not _covered(path, explained)]


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield each commented key, by its dotted path, with its comment."""
    comment: list[str] = []
    above: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip(" #"))
            continue
        if match := KEY.match(line):
            above = [*above[: len(match["indent"]) // 2], match["key"]]
            if comment:
                yield ".".join(above), " ".join(comment)
        comment = []


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield above + key


def _covered(path: str, explained: set[str]) -> bool:
    words = path.split(".")
    return any(".".join(words[:length]) in explained for length in range(1, len(words) + 1))


def _at(values: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    found: Any = values
    for word in path.split("."):
        found = found[word]
    return found


def _field(schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    for word in path.split("."):
        schema = schema["properties"][word]
    return schema


def _bounds(field: Mapping[str, Any]) -> str:
    """Return what the schema says about a value, in words."""
    if "enum" in field:
        return " or ".join(f"`{choice}`" for choice in field["enum"])
    if "minimum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    kinds = {"array": "list", "boolean": "true or false", "string": "text", "object": "map"}
    return kinds[field["type"]]


if __name__ == "__main__":
    sys.stdout.write(page())
