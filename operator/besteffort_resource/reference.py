"""Write the reference page of the resource from its models: `python -m besteffort_resource.reference > resource.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from besteffort_resource.rules import RULES
from besteffort_resource.schema import fields
from besteffort_resource.sentences import examples_text
from besteffort_resource.service import BestEffortService
from besteffort_resource.status_shape import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_resource.schema import Place

__all__ = ["reference_page"]

INTRO = """\
# BestEffortService

<!-- Made by `python -m besteffort_resource.reference`; a test compares. Change the models instead. -->

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

CLUSTER = """\
## On a cluster

The API server checks the same rules and says the same sentences. It also refuses what only one machine can run, and
changes that would leave clients without an answer:

- A bundle's `path` and a repository `uri` that is a relative folder: no node has the folder of the resource's file.
- `modelName`, `placement.mode` and `router.mode` stay as they are. Another one is a second service: clients move to
  it when it is ready.
- `triton.cache.storageClassName` stays, and `triton.cache.size` only grows: so it is with volumes.

What a pod takes as it is (`affinity`, `tolerations`, `topologySpreadConstraints`, `valueFrom`, `podTemplate`) is
checked when the Deployment is written; a refusal is in the condition `Degraded`. `besteffort render` shows offline
what would be written.
"""


def reference_page() -> str:
    """Return the page as Markdown: every field in order, the rules between fields, what a cluster adds, the status."""
    listed = [field for field in fields(BestEffortService) if field[0] != "status"]
    rows = [_row(path, required=required, place=place) for path, required, place in listed]
    rules = [f"- {(rule.__doc__ or '').strip()}" for rule in RULES]
    header = "| Field | Type | Default | Bounds | Meaning |\n|---|---|---|---|---|\n"
    written = [f"| `status.{path}` | {_type(place)} | {_meaning(place)} |" for path, _, place in fields(Status)]
    return (
        f"{INTRO}\n## Fields\n\n{header}{_lines(rows)}\n## Rules between fields\n\n{_lines(rules)}"
        f"\n{CLUSTER}\n## Status\n\n| Field | Type | Meaning |\n|---|---|---|\n{_lines(written)}"
    )


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _row(path: str, *, required: bool, place: Place) -> str:
    node = place.node
    cells = (f"`{path}`", _type(place), _default(node, required=required), _bounds(place), _meaning(place))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _meaning(place: Place) -> str:
    return str(place.node.get("description", ""))


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
