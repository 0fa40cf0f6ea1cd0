from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from besteffort_cli import dataset
from besteffort_cli.dataset import Row, is_right, read_rows
from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = json.dumps({"task": "addition", "prompt": "1+1=", "answer": "2"}) + "\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_line_is_a_row(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, GOOD * 2)) == [Row("addition", "1+1=", "2")] * 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"holds no row; give at least one line with task, prompt, answer\."),
        (GOOD + "\n", r"line 2: not JSON; write one object"),
        (GOOD + "{\n", r"line 2: not JSON"),
        ("[" * 60_000 + "\n", r"line 1: not JSON"),
        ("[]\n", r"line 1: write one object with exactly the fields"),
        ('{"task": "a", "prompt": "b"}\n', r"line 1: write one object with exactly the fields"),
        (GOOD.replace("}", ', "more": 1}'), r"line 1: write one object with exactly the fields"),
        (GOOD.replace('"2"', "2"), r"line 1, field answer: must be a text that is not empty\."),
        (GOOD.replace('"1+1="', '""'), r"line 1, field prompt: must be a text that is not empty\."),
        (GOOD.replace("1+1=", "1" * 70_000), r"line 1: longer than 65536 characters; shorten the prompt\."),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_rows(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_rows(tmp_path / "none.jsonl")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_rows(path)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MAX_ROWS", 2)
    with pytest.raises(InputError, match="more than 2 rows; cut it"):
        read_rows(written(tmp_path, GOOD * 3))


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("2", True),
        (" 2\n", True),
        ("1+1=2", True),
        ("1+1+0=02 =2 ", True),
        ("1+1=3", False),
        ("2=", False),
        ("22", False),
        ("", False),
        ("2=3", False),
    ],
)
def test_what_follows_the_last_equals_sign_must_be_the_answer(output: str, *, right: bool) -> None:
    assert is_right(Row("addition", "1+1=", "2"), output) is right
