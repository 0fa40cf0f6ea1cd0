"""The metrics of the router and of the operator with their labels, as their modules say them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def names_in(expression: str) -> list[str]:
    """The metrics of ours, recorded ones too, that an expression names."""
    return re.findall(r"\bbesteffort(?:_router_|_operator_|:)[a-z0-9_:]+", expression)


def labels_of(selector: str) -> list[str]:
    """The labels that stand between the braces of a selector."""
    return re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)


def _series(module: str, prefix: str) -> dict[str, set[str]]:
    """Every series of a module, by its name, with its labels."""
    found: dict[str, set[str]] = {}
    for call in (node for node in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(node, ast.Call)):
        kind = call.func.id.strip("_").lower() if isinstance(call.func, ast.Name) else ""
        if kind not in SUFFIXES or not isinstance(call.args[0], ast.Constant):
            continue
        name = str(call.args[0].value).removeprefix(prefix).removesuffix("_total")
        labels = set(ast.literal_eval(call.args[2])) if len(call.args) > 2 else set()
        for suffix in SUFFIXES[kind]:
            found[prefix + name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


ROUTER = _series("router/besteffort_router/metrics.py", "besteffort_router_")
OPERATOR = _series("operator/besteffort_operator/metrics.py", "besteffort_operator_")
