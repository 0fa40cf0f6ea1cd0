"""Write the reference page of the resource from its models: `python -m besteffort_operator.reference > resource.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from besteffort_operator.resource import BestEffortService
from besteffort_operator.rules import RULES
from besteffort_operator.schema import fields
from besteffort_operator.sentences import examples_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.schema import Place

__all__ = ["reference_page"]

INTRO = """\
# BestEffortService

<!-- Made by `python -m besteffort_operator.reference`; a test compares. Change the models instead. -->

One resource declares the sizes of a model and what a late answer is worth. The smallest one that is whole:

```yaml
apiVersion: serving.besteffort.dev/v1alpha1
kind: BestEffortService
metadata: {name: assistant}
spec:
  sizes:
  - name: small
    model: {repository: {uri: models, name: opt_125m}}
  - name: large
    model: {repository: {uri: models, name: opt_1_3b}}
```

`besteffort calibrate` measures what it leaves out, the quality and the latency of each size, into a profile; what the
resource says itself wins over the profile. An unknown field, a key that is there twice, a YAML alias, a second
document and a file above 1 MiB are refused.
"""


def reference_page() -> str:
    """Return the page as Markdown: every field in order, then the rules between fields."""
    rows = [_row(path, required=required, place=place) for path, required, place in fields(BestEffortService)]
    rules = [f"- {(rule.__doc__ or '').strip()}" for rule in RULES]
    header = "| Field | Type | Default | Bounds | Meaning |\n|---|---|---|---|---|\n"
    return f"{INTRO}\n## Fields\n\n{header}{_lines(rows)}\n## Rules between fields\n\n{_lines(rules)}"


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _row(path: str, *, required: bool, place: Place) -> str:
    node = place.node
    cells = (f"`{path}`", _type(place), _default(node, required=required), _bounds(place), node.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(place: Place) -> str:
    node = place.node
    if node.get("type") == "array":
        element = place.child(0)
        return f"list of {_type(element)}" if element else "list"
    if "x-kubernetes-preserve-unknown-fields" in node:
        return "object"
    if "additionalProperties" in node and not place.names:
        return "map of text"
    return {"object": "block", "integer": "whole number", "string": "text"}[node["type"]]


def _default(node: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    value = node.get("default")
    if value is None or isinstance(value, list | dict):
        return ""
    return f"`{value}`"


def _bounds(place: Place) -> str:
    node = place.node
    element = place.child(0) or place.child("")
    parts = [_range(node)]
    if "enum" in node or "const" in node:
        parts.append(" or ".join(f"`{value}`" for value in node.get("enum", [node.get("const")])))
    if "form" in node:
        parts.append(_form(node))
    elif element and not place.names and "form" in element.node:
        parts.append("each " + _form(element.node))
    return "; ".join(part for part in parts if part)


def _range(node: Mapping[str, Any]) -> str:
    if "minimum" in node:
        return f"{node['minimum']} to {node['maximum']}"
    most = node.get("maxItems", node.get("maxProperties"))
    return f"{node.get('minItems', 0)} to {most} entries" if most else ""


def _form(node: Mapping[str, Any]) -> str:
    return f"{node['form']}, like {examples_text(node)}, up to {node['maxLength']} characters"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
