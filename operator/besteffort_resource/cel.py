"""Say rules in CEL, the language in which the API server checks a resource; the rules are in validations.py.

A rule sits where its `self` is: paths are those of the reference page, `.*` stands for any value of a map.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from besteffort_resource.sentences import examples_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Validation", "form_validation", "formed", "spoken"]


@dataclass(frozen=True)
class Validation:
    """One rule as the API server checks it."""

    name: str
    """The rule that it says: a function of the rules' modules, or one of the API server alone."""
    at: str
    """Path of what is `self`."""
    rule: str
    """CEL; true where the rule is kept."""
    says: str
    """CEL; the sentence for what breaks it."""
    field: str = ""
    """Path from `self` of the field at fault."""

    def as_mapping(self) -> dict[str, Any]:
        """Return it as an entry of x-kubernetes-validations."""
        literal = re.fullmatch(r"'((?:[^'\\]|\\.)*)'", self.says)
        said = {"message": re.sub(r"\\(.)", r"\1", literal[1])} if literal else {"messageExpression": self.says}
        return {"rule": self.rule, **said, **({"fieldPath": self.field} if self.field else {})}


def spoken(sentence: str, **values: str) -> str:
    """Return CEL for a sentence of wording.py: a text, or CEL that makes one, for each `{name}`."""
    parts = re.split(r"\{(\w+)\}", sentence)
    texts = [values[part] if i % 2 else _quoted(part) for i, part in enumerate(parts)]
    return _joined([text for text in texts if text != "''"])


def formed(value: str, form: Any) -> str:  # noqa: ANN401  an annotated type
    """Return CEL that tells whether a value has a form; what reads the value is only safe where it has."""
    return f"{value}.matches(r'{TypeAdapter(form).json_schema()['pattern']}')"


def form_validation(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule that a field has its form, from the field's schema."""
    matches = f"self.matches(r'{node['pattern']}')"
    says = f"is not {node['form']}; write it like {examples_text(node)}"
    if "x-kubernetes-int-or-string" in node:
        return {"rule": f"type(self) == int ? self >= 0 : {matches}", "message": says}
    # With a line break in the value the API server falls back to the message.
    return {"rule": matches, "message": says, "messageExpression": spoken('"{value}" ' + says, value="self")}


def _joined(texts: list[str]) -> str:
    """Return CEL for the texts one after the other; neighbouring literals become one."""
    return " + ".join(texts).replace("' + '", "") or "''"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
