from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pytest

from besteffort_resource.errors import ResourceError
from besteffort_resource.strict_yaml import BYTES_MAX, mapping_from_yaml, read_text


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("exit 1",)


def refusal(text: str) -> str:
    with pytest.raises(ResourceError) as caught:
        mapping_from_yaml(text)
    (sentence,) = caught.value.sentences
    return sentence


def test_plain_values_are_read() -> None:
    text = "a: 1\nb: [0.5, true, null, text]\nc: {d: '1'}\n"
    assert mapping_from_yaml(text) == {"a": 1, "b": [0.5, True, None, "text"], "c": {"d": "1"}}


def test_json_is_read() -> None:
    assert mapping_from_yaml('{"a": [1, "b"]}') == {"a": [1, "b"]}


def test_a_date_stays_text_and_a_merge_key_is_a_key() -> None:
    assert mapping_from_yaml("a: 2026-11-21\n<<: {b: 1}") == {"a": "2026-11-21", "<<": {"b": 1}}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null"])
def test_an_empty_file_is_named_so(text: str) -> None:
    assert refusal(text) == "the file is empty; write a block of name: value lines into it"


def test_a_syntax_error_gives_line_and_column() -> None:
    assert refusal("a: 1\nb: [2\n").startswith("line 3, column 1: ")


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", 'c: {x: 1, "x": 2}'])
def test_a_key_that_is_there_twice_is_refused_at_any_depth(text: str) -> None:
    assert "is there twice; keep one" in refusal(text)


@pytest.mark.parametrize("text", ["1: a", "null: a", "true: a", "? [a]\n: b", "? {a: b}\n: c"])
def test_a_key_that_is_no_text_is_refused(text: str) -> None:
    assert "a key is not text" in refusal(text)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!set", "!!map", "!!int", "!!str", "!own", "!"])
def test_a_tag_is_refused(tag: str) -> None:
    assert refusal(f"a: {tag} x") == f"line 1, column 4: the tag {tag} is not allowed; remove it"


@pytest.mark.parametrize("number", ["1" * 5000, "0x" + "f" * 100_000, "1" + ":1" * 100_000, "0x_"])
def test_a_number_that_would_be_dear_or_impossible_to_read_is_refused(number: str) -> None:
    assert "a number cannot be read" in refusal(f"a: {number}")


def test_an_alias_is_refused_so_that_nothing_expands_or_loops() -> None:
    assert refusal("a: &a [*a]") == "line 1, column 8: aliases are not read; write the value out"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_the_stack_overflows(opening: str) -> None:
    assert "levels are nested" in refusal(opening * 5000)


def test_a_file_of_very_many_values_is_refused() -> None:
    assert "too many values" in refusal("a: [" + "0," * 100_000 + "]")


def test_a_file_above_the_limit_is_refused_without_being_parsed() -> None:
    start = time.perf_counter()
    assert refusal("a: " + "x" * BYTES_MAX) == "the file is larger than 1 MiB; give the resource or profile alone"
    assert time.perf_counter() - start < 1


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_bytes(b"x" * BYTES_MAX)
    assert len(read_text(path)) == BYTES_MAX
    path.write_bytes(b"x" * (BYTES_MAX + 1))
    with pytest.raises(ResourceError, match="larger than 1 MiB"):
        read_text(path)


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(ResourceError, match="larger than 1 MiB"):
        read_text(Path("/dev/zero"))


def test_a_pickle_is_no_text_and_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ResourceError, match="is not UTF-8 text"):
        read_text(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"absent\.yaml cannot be read \(No such file"):
        read_text(tmp_path / "absent.yaml")
    with pytest.raises(ResourceError, match=r"cannot be read \(Is a directory"):
        read_text(tmp_path)


@pytest.mark.parametrize("text", ["a: \x00", "\x80", "a: \ud800"])
def test_control_characters_are_refused(text: str) -> None:
    assert "control characters" in refusal(text)
