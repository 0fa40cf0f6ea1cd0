from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from besteffort_operator import rules
from besteffort_operator.resource import Spec
from besteffort_operator.rules import RULES, broken_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = {"repository": {"uri": "models", "name": "m"}}


def spec(**fields: Any) -> Spec:
    return Spec.model_validate({"sizes": [size()], **fields})


def size(name: str = "small", **fields: Any) -> dict[str, Any]:
    return {"name": name, "model": SOURCE, **fields}


def points(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"batch": batch, "seconds": seconds} for batch, seconds in pairs]


BROKEN: list[tuple[Callable[[Spec], Iterator[str]], dict[str, Any], int]] = [
    (rules.deadlines_are_bounded, {"deadline": {"default": "0.9ms"}}, 1),
    (rules.deadlines_are_bounded, {"deadline": {"default": "61m", "max": "3660s"}}, 2),
    (rules.default_deadline_is_at_most_max, {"deadline": {"default": "301ms", "max": "0.3s"}}, 1),
    (rules.soft_grace_ends_after_the_deadline, {"deadline": {"mode": "Soft", "graceFactor": "1"}}, 1),
    (rules.soft_grace_ends_after_the_deadline, {"deadline": {"mode": "Soft", "graceFactor": "100.1"}}, 1),
    (rules.tasks_are_unique, {"tasks": ["a", "b", "a", "a", "b"]}, 2),
    (rules.other_is_reserved, {"tasks": ["a", "other"]}, 1),
    (rules.sizes_are_unique, {"sizes": [size(), size("large"), size()]}, 1),
    (rules.each_size_has_one_model_source, {"sizes": [size(model={})]}, 1),
    (
        rules.each_size_has_one_model_source,
        {"sizes": [size(model={**SOURCE, "huggingFace": {"id": "a", "revision": "b"}})]},
        1,
    ),
    (
        rules.quality_is_by_known_tasks,
        {"tasks": ["a"], "sizes": [size(quality={"default": "1", "byTask": {"a": "1", "b": "1", "C d": "1"}})]},
        2,
    ),
    (rules.latency_ascends, {"sizes": [size(latency=points((2, "0.1"), (1, "0.2"), (1, "0.0")))]}, 3),
    (rules.replicas_follow_the_placement, {"sizes": [size(replicas=1)]}, 1),
    (rules.replicas_follow_the_placement, {"placement": {"mode": "Dedicated", "replicas": 1}}, 1),
    (rules.learned_policy_has_one_bundle, {"policy": {"kind": "Learned"}}, 1),
    (rules.learned_policy_has_one_bundle, {"policy": {"bundle": {}}}, 1),
    (rules.fallback_is_not_learned, {"policy": {"fallback": "Learned"}}, 1),
    (rules.static_size_is_for_static, {"policy": {"kind": "Static"}}, 1),
    (rules.static_size_is_for_static, {"policy": {"fallback": "Static"}}, 1),
    (rules.static_size_is_for_static, {"policy": {"staticSize": "small"}}, 1),
    (rules.static_size_is_for_static, {"policy": {"kind": "Static", "staticSize": "large"}}, 1),
    (rules.queue_bytes_are_bounded, {"router": {"queue": {"maxBytes": "63Ki"}}}, 1),
    (rules.queue_bytes_are_bounded, {"router": {"queue": {"maxBytes": "65Gi"}}}, 1),
]
KEPT: list[dict[str, Any]] = [
    {},
    {"deadline": {"default": "1ms", "max": "60m"}},
    {"deadline": {"default": "2s", "max": "2s"}},
    {"deadline": {"mode": "Soft", "graceFactor": "1.01"}},
    {"deadline": {"mode": "Hard", "graceFactor": "1"}},
    {"tasks": ["a"], "sizes": [size(quality={"default": "1", "byTask": {"a": "0"}})]},
    {"sizes": [size(latency=points((1, "0.2"), (8, "0.1")))]},
    {"placement": {"mode": "Dedicated"}, "sizes": [size(replicas=2), size("large")]},
    {"policy": {"kind": "Learned", "bundle": {"path": "p"}}},
    {"policy": {"kind": "Price", "bundle": {"path": "p"}}},
    {"policy": {"kind": "Static", "fallback": "Static", "staticSize": "small"}},
    {"router": {"queue": {"maxBytes": "64Gi"}}},
]


@pytest.mark.parametrize(("rule", "fields", "count"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_rule_is_told_by_that_rule_alone(
    rule: Callable[[Spec], Iterator[str]], fields: dict[str, Any], count: int
) -> None:
    sentences = list(rule(spec(**fields)))
    assert len(sentences) == count
    assert broken_rules(spec(**fields)) == sentences
    assert all(sentence.startswith("spec.") and "; " in sentence for sentence in sentences)


@pytest.mark.parametrize("fields", KEPT, ids=str)
def test_what_keeps_the_rules_is_accepted(fields: dict[str, Any]) -> None:
    assert broken_rules(spec(**fields)) == []


def test_every_rule_is_broken_by_one_of_these_tests_and_says_what_it_is() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
    assert all(rule.__doc__ for rule in RULES)
