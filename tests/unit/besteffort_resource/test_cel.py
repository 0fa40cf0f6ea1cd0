from __future__ import annotations

import pytest

from besteffort_resource import forms
from besteffort_resource.cel import Validation, form_validation, formed, spoken


@pytest.mark.parametrize(
    ("sentence", "values", "cel"),
    [
        ("keep one of the two", {}, "'keep one of the two'"),
        ("{a} is above {b}; lower it", {"a": "self.a", "b": "self.b"}, "self.a + ' is above ' + self.b + '; lower it'"),
        ("write from {least} to {most}", {"least": "'1ms'", "most": "'60m'"}, "'write from 1ms to 60m'"),
        ("it's a \\ there", {}, r"'it\'s a \\ there'"),
        ("{value}", {"value": "self"}, "self"),
    ],
)
def test_a_sentence_becomes_cel_that_makes_it(sentence: str, values: dict[str, str], cel: str) -> None:
    assert spoken(sentence, **values) == cel


def test_a_sentence_without_values_is_a_plain_message() -> None:
    rule = Validation("rule", "spec", "has(self.a)", spoken("it's a \\ there"), ".a")
    assert rule.as_mapping() == {"rule": "has(self.a)", "message": "it's a \\ there", "fieldPath": ".a"}


def test_a_sentence_with_a_value_is_an_expression() -> None:
    rule = Validation("rule", "spec", "self != 'x'", spoken("{value} is bad", value="self"))
    assert rule.as_mapping() == {"rule": "self != 'x'", "messageExpression": "self + ' is bad'"}


def test_a_text_that_ends_in_quotes_and_has_a_value_between_is_no_plain_message() -> None:
    says = spoken("from {value} on", value="self")
    assert "messageExpression" in Validation("rule", "", "true", says).as_mapping()


def test_a_form_is_a_match_of_its_pattern() -> None:
    assert formed("self.default", forms.Share) == r"self.default.matches(r'^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$')"


def test_a_form_is_refused_with_what_it_is_and_an_example() -> None:
    node = {"pattern": "^[0-9]+$", "form": "a number in quotes", "examples": ["7"]}
    assert form_validation(node) == {
        "rule": "self.matches(r'^[0-9]+$')",
        "message": 'is not a number in quotes; write it like "7"',
        "messageExpression": "'\"' + self + '\" is not a number in quotes; write it like \"7\"'",
    }


def test_a_quantity_that_may_be_a_whole_number_is_matched_only_as_text() -> None:
    node = {"pattern": "^[0-9]+m$", "form": "a quantity", "examples": ["7m"], "x-kubernetes-int-or-string": True}
    assert form_validation(node) == {
        "rule": "type(self) == int ? self >= 0 : self.matches(r'^[0-9]+m$')",
        "message": "is not a quantity; write it like 7m",
    }
