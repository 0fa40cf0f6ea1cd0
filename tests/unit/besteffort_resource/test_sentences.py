from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from besteffort_resource.sentences import examples_text, nearest, path_text, sentences_of, shown
from besteffort_resource.service import BestEffortService, Queue


def sentences(model: Any, value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value, by_alias=True, by_name=False)
    return sentences_of(caught.value, model)


def test_a_path_is_written_as_the_user_wrote_it() -> None:
    assert path_text(["spec", "sizes", 1, "quality", "byTask", "sorting"]) == "spec.sizes[1].quality.byTask.sorting"


def test_a_key_that_would_blur_the_path_stands_in_quotes() -> None:
    assert path_text(["sizes", "a.b: \n", "latency"]) == 'sizes["a.b: \\n"].latency'


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "nothing"), (True, "true"), ("a\nb", '"a\\nb"'), (1.5, "1.5"), ("x" * 500, '"' + "x" * 56 + "...")],
)
def test_a_value_is_shown_on_one_short_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_huge_nested_value_is_cut() -> None:
    assert len(shown([[["x" * 1000] * 1000] * 1000])) <= 60


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("sortng", ["adding", "sorting"], "did you mean sorting?"),
        ("MODELNAME", ["modelName"], "did you mean modelName?"),
        ("zebra", ["adding", "sorting"], "known here: adding, sorting"),
        ("zebra", [], "none is known here"),
    ],
)
def test_an_unknown_name_leads_to_the_nearest_known_one(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint


def test_examples_that_yaml_would_read_as_numbers_are_in_quotes() -> None:
    assert examples_text({"examples": ["0.41", "27dcfa7", "main"]}) == '"0.41", "27dcfa7" or main'


def test_a_python_field_name_is_an_unknown_field() -> None:
    assert sentences(Queue, {"max_requests": 3}) == ["max_requests: unknown field; did you mean maxRequests?"]


def test_a_whole_resource_of_another_shape_is_one_sentence() -> None:
    assert sentences(BestEffortService, [1]) == [
        "the top level: is a list; write a block with fields from apiVersion, kind, metadata, spec, status"
    ]


@pytest.mark.parametrize("value", [True, 1.0, "5", None, 0, 100_001])
def test_a_whole_number_is_nothing_but_a_whole_number_in_range(value: object) -> None:
    (sentence,) = sentences(Queue, {"maxRequests": value})
    assert sentence.startswith("maxRequests: ")
    assert "is not a whole number from 1 to 100000" in sentence


def test_an_error_type_without_a_sentence_of_its_own_still_names_field_and_value() -> None:
    class Even(BaseModel):
        number: int = Field(multiple_of=2, description="An even number.")

    assert sentences(Even, {"number": 3}) == ["number: 3 is refused: input should be a multiple of 2"]


def test_faulty_entries_are_not_also_reported_as_missing_ones() -> None:
    found = sentences(
        BestEffortService,
        {
            "apiVersion": "serving.besteffort.dev/v1alpha1",
            "kind": "BestEffortService",
            "metadata": {"name": "a"},
            "spec": {"sizes": [{"name": "small", "model": {}, "replicas": 0}]},
        },
    )
    assert found == ["spec.sizes[0].replicas: 0 is not a whole number from 1 to 64; write a number like 1"]
