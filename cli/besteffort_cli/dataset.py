"""Prompts with one right answer: prompts.jsonl, read strictly, and the rule that says whether an output is right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MAX_ROWS", "Row", "is_right", "read_rows"]

MAX_ROWS = 100_000
_MAX_LINE = 65_536
_FIELDS = ("task", "prompt", "answer")


@dataclass(frozen=True)
class Row:
    """One prompt, the task it belongs to, and its only right answer."""

    task: str
    prompt: str
    answer: str


def read_rows(path: Path) -> list[Row]:
    """Read one JSON object a line.

    Raises:
        InputError: the file cannot be read, is empty or too long, or a line is broken.
    """
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8") as file:
            while line := file.readline(_MAX_LINE):
                rows.append(_row(f"{path}, line {len(rows) + 1}", line))
                if len(rows) > MAX_ROWS:
                    raise InputError(f"{path} holds more than {MAX_ROWS} rows; cut it.")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a prompts.jsonl.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; give one JSON object a line.") from error
    if not rows:
        raise InputError(f"{path} holds no row; give at least one line with {', '.join(_FIELDS)}.")
    return rows


def _row(place: str, line: str) -> Row:
    if len(line) >= _MAX_LINE:
        raise InputError(f"{place}: longer than {_MAX_LINE} characters; shorten the prompt.")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON; write one object with {', '.join(_FIELDS)}.") from error
    if not isinstance(value, dict) or set(value) != set(_FIELDS):
        raise InputError(f"{place}: write one object with exactly the fields {', '.join(_FIELDS)}.")
    for field in _FIELDS:
        if not isinstance(value[field], str) or not value[field]:
            raise InputError(f"{place}, field {field}: must be a text that is not empty.")
    return Row(value["task"], value["prompt"], value["answer"])


def is_right(row: Row, text_output: str) -> bool:
    """Say whether what follows the last "=" of the output (all of it, if there is none) is the answer."""
    return text_output.rpartition("=")[2].strip() == row.answer
