from __future__ import annotations

import pytest

from besteffort_resource.counting import how_many, repeated


def test_each_repeated_name_is_one_sentence_at_its_second_place() -> None:
    assert list(repeated("spec.sizes", ["a", "b", "a", "b", "a"], field=".name")) == [
        "spec.sizes[2].name: a is there 3 times; keep one",
        "spec.sizes[3].name: b is there 2 times; keep one",
    ]


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ((None, None), "no source"),
        (("", None), None),
        (({}, "a"), "more than one source"),
        ((0, 1, None, 2), "more than one source"),
    ],
)
def test_what_is_not_exactly_one_source_is_counted_in_words(sources: tuple[object, ...], text: str | None) -> None:
    assert how_many(*sources) == text
