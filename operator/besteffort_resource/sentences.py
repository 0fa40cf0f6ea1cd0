"""Turn what pydantic found into sentences for a user: the path as written, what is wrong, and the fix."""

from __future__ import annotations

import difflib
import json
import re
import reprlib
from typing import TYPE_CHECKING, Any

from besteffort_resource.schema import Place, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["examples_text", "nearest", "path_text", "sentences_of", "shown"]

VALUE_SHOWN = 60
NUMERIC = re.compile(r"[0-9.]+|[0-9]+[a-f][0-9a-f]*")


def sentences_of(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one sentence for each fault that pydantic found while it read `model`."""
    root = root_of(model)
    return [_sentence(fault, root) for fault in error.errors(include_url=False) if not _follows(fault)]


def path_text(location: Iterable[str | int]) -> str:
    """Return a location as a user writes it, such as spec.sizes[1].quality.byTask.sorting."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", step):
            text += f".{step}" if text else step
        else:
            text += f"[{shown(step)}]"
    return text


def shown(value: object) -> str:
    """Return a value in one short line, text in quotes."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = json.dumps(value[:VALUE_SHOWN], ensure_ascii=False) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint that ends a sentence about an unknown name: the nearest known one, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    lowered = {known_name.lower(): known_name for known_name in names}
    found = lowered.get(name.lower()) or (near[0] if near else None)
    if found:
        return f"did you mean {found}?"
    return f"known here: {', '.join(names)}" if names else "none is known here"


def examples_text(node: Mapping[str, Any]) -> str:
    """Return the examples of a form as they stand in YAML: what reads as a number is in quotes."""
    texts = [json.dumps(text) if NUMERIC.fullmatch(text) else text for text in node.get("examples", ())]
    return _one_of(texts)


def _follows(fault: ErrorDetails) -> bool:
    """Whether a list is called too short only because pydantic does not count its faulty entries."""
    return fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"]


def _sentence(fault: ErrorDetails, root: Place) -> str:
    location = fault["loc"]
    if fault["type"] == "extra_forbidden":
        parent = root.at(location[:-1])
        known = parent.names if parent else ()
        return f"{path_text(location)}: unknown field; {nearest(str(location[-1]), known)}"
    place = root.at(location) or Place({}, {})
    say = SAID.get(fault["type"], _other)
    return f"{path_text(location) or 'the top level'}: {say(fault, place.node)}"


def _missing(_: ErrorDetails, node: Mapping[str, Any]) -> str:
    return f"is missing; {_wanted(node)}"


def _form(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    return f"{shown(fault['input'])} is not {node['form']}; write it like {examples_text(node)}"


def _long(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    return f"has {len(fault['input'])} characters; at most {node['maxLength']} are allowed"


def _choice(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    allowed = _allowed(node)
    value = fault["input"]
    guess = difflib.get_close_matches(str(value).title(), allowed, n=1, cutoff=0.7)
    hint = f"; did you mean {guess[0]}?" if guess and len(allowed) > 1 else ""
    return f"{shown(value)} is not allowed; write {_one_of(allowed)}{hint}"


def _whole(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    return f"{shown(fault['input'])} is not a whole number from {node['minimum']} to {node['maximum']}; {_wanted(node)}"


def _count(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    least, most = node.get("minItems", 0), node.get("maxItems", node.get("maxProperties"))
    return f"has {len(fault['input'])} entries; {least} to {most} are allowed"


def _kind(fault: ErrorDetails, node: Mapping[str, Any]) -> str:
    value = fault["input"]
    if value is None:
        return "is empty; fill it in or leave it out"
    found = "a list" if isinstance(value, list) else "a block of fields" if isinstance(value, dict) else shown(value)
    return f"is {found}; {_wanted(node)}"


def _other(fault: ErrorDetails, _: Mapping[str, Any]) -> str:
    return f"{shown(fault['input'])} is refused: {fault['msg'].lower()}"


SAID: dict[str, Callable[[ErrorDetails, Mapping[str, Any]], str]] = {
    "missing": _missing,
    "string_type": _form,
    "string_pattern_mismatch": _form,
    "string_too_long": _long,
    "enum": _choice,
    "literal_error": _choice,
    "int_type": _whole,
    "greater_than_equal": _whole,
    "less_than_equal": _whole,
    "too_long": _count,
    "too_short": _count,
    "model_type": _kind,
    "dict_type": _kind,
    "tuple_type": _kind,
}


def _wanted(node: Mapping[str, Any]) -> str:
    """Return the fix: what a well-formed value would be."""
    if allowed := _allowed(node):
        return f"write {_one_of(allowed)}"
    if "minimum" in node:
        return f"write a number like {node['minimum']}"
    if node.get("type") == "array":
        return 'write a list, one "- " a line'
    if node.get("type") == "object":
        names = ", ".join(node.get("properties", ()))
        return f"write a block with fields from {names}" if names else "write a block of name: value lines"
    return f"write {node['form']}, like {examples_text(node)}"


def _allowed(node: Mapping[str, Any]) -> Sequence[str]:
    return node.get("enum") or [node["const"]] if "enum" in node or "const" in node else []


def _one_of(allowed: Sequence[str]) -> str:
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"
