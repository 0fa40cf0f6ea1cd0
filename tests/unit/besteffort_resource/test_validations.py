from __future__ import annotations

from besteffort_resource import wording
from besteffort_resource.rules import RULES
from besteffort_resource.validations import UNSAID, VALIDATIONS

OWN = {
    "files_are_not_on_a_cluster",
    "folders_are_not_on_a_cluster",
    "name_leaves_room",
    "name_is_a_label",
    "model_name_stays",
    "placement_mode_stays",
    "router_mode_stays",
    "cache_stays",
    "cache_class_stays",
    "cache_only_grows",
}


def test_every_rule_of_the_checks_is_said_in_cel_or_has_a_reason_why_not() -> None:
    checked = {rule.__name__ for rule in RULES}
    said = {rule.name for rule in VALIDATIONS}
    assert said - OWN == checked - set(UNSAID)
    assert set(UNSAID) <= checked
    assert all(UNSAID.values())


def test_no_rule_is_there_twice() -> None:
    assert len(set(VALIDATIONS)) == len(VALIDATIONS)


def test_only_what_may_not_change_compares_with_what_was() -> None:
    assert {rule.name for rule in VALIDATIONS if "oldSelf" in rule.rule} == {
        name for name in OWN if name.endswith(("_stays", "_grows"))
    }


def test_every_sentence_says_what_to_do() -> None:
    sentences = {name: value for name, value in vars(wording).items() if name.isupper()}
    assert [name for name, text in sentences.items() if "; " not in text and name not in PREFIXES] == []


PREFIXES = {"UNKNOWN_TASK", "STATIC_UNKNOWN"}
"""What the checks end with the nearest known name."""
