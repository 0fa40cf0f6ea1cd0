"""What counts as a difference between an object and what is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.comparison import Memory, covers, owns_replicas
from besteffort_operator.manifests.metadata import WANTED_ANNOTATION, sealed
from besteffort_operator.workload import INSTANCE


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"a": 1, "default": 2}, {"a": 1}),
        ({"a": [{"name": "x", "default": 1}]}, {"a": [{"name": "x"}]}),
        ({}, {"a": None}),
        ({}, {"a": {}, "b": [], "c": ""}),
        ({"selector": {"a": "b"}}, {"selector": {"a": "b"}}),
    ],
)
def test_what_the_server_adds_or_leaves_out_is_no_difference(live: Any, wanted: Any) -> None:
    assert covers(live, wanted)


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"a": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ({}, {"a": False}),
        ({"args": ["--a", "--evil"]}, {"args": ["--a"]}),
        ({"from": [{"x": 1}, {}]}, {"from": [{"x": 1}]}),
        ({"args": ["b", "a"]}, {"args": ["a", "b"]}),
        ({"a": "text"}, {"a": {"b": 1}}),
        ({"a": {}}, {"a": [1]}),
        ({"selector": {"a": "b", "c": "d"}}, {"selector": {"a": "b"}}),
    ],
)
def test_a_changed_missing_or_added_value_is_a_difference(live: Any, wanted: Any) -> None:
    assert not covers(live, wanted)


def manifest(**spec: Any) -> dict[str, Any]:
    return sealed({"kind": "Deployment", "metadata": {"name": "a"}, "spec": spec})


def live(wanted: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = wanted["metadata"] | {"uid": "u", "resourceVersion": "1"}
    return wanted | {"metadata": metadata, "spec": wanted["spec"] | spec}


def test_an_object_as_wanted_is_settled() -> None:
    wanted = manifest(replicas=1)
    assert Memory().is_settled(live(wanted, default=1), wanted)


def test_a_field_that_is_wanted_no_more_is_noticed_by_the_seal() -> None:
    before, now = manifest(replicas=1, paused=True), manifest(replicas=1)
    assert covers(live(before)["spec"], now["spec"])
    assert not Memory().is_settled(live(before), now)


def test_a_spelling_of_the_server_is_accepted_once_it_was_written() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m")
    found = live(wanted, cpu="1")
    assert not memory.is_settled(found, wanted)
    memory.accept(found, wanted)
    assert memory.is_settled(found, wanted)


def test_after_a_spelling_was_accepted_any_other_change_is_noticed() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m", image="a")
    memory.accept(live(wanted, cpu="1"), wanted)
    assert not memory.is_settled(live(wanted, cpu="1", image="b"), wanted)


def test_status_and_versions_do_not_disturb_an_accepted_spelling() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m")
    found = live(wanted, cpu="1")
    memory.accept(found, wanted)
    metadata = found["metadata"] | {"resourceVersion": "2", "generation": 3, "managedFields": []}
    assert memory.is_settled(found | {"status": {"x": 1}, "metadata": metadata}, wanted)


def test_what_is_forgotten_is_written_again() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m")
    found = live(wanted, cpu="1")
    memory.accept(found, wanted)
    memory.forget(found)
    assert not memory.is_settled(found, wanted)


def test_what_is_known_of_a_service_goes_with_it() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m")
    wanted["metadata"] |= {"namespace": "models", "labels": {INSTANCE: "assistant"}}
    found = live(wanted, cpu="1")
    memory.accept(found, wanted)
    memory.forget_service("models", "another")
    assert memory.is_settled(found, wanted)
    memory.forget_service("models", "assistant")
    assert not memory.is_settled(found, wanted)
    assert not any(vars(memory).values())


def test_an_object_that_was_made_anew_is_not_the_one_that_was_accepted() -> None:
    memory, wanted = Memory(), manifest(cpu="1000m")
    memory.accept(found := live(wanted, cpu="1"), wanted)
    assert not memory.is_settled(found | {"metadata": found["metadata"] | {"uid": "another"}}, wanted)


def test_an_object_that_lost_its_seal_is_not_settled() -> None:
    wanted = manifest(replicas=1)
    found = live(wanted)
    found["metadata"] = found["metadata"] | {"annotations": {WANTED_ANNOTATION: "other"}}
    assert not Memory().is_settled(found, wanted)


@pytest.mark.parametrize(
    ("manager", "operation", "fields", "owns"),
    [
        ("us", "Apply", {"f:spec": {"f:replicas": {}}}, True),
        ("us", "Apply", {"f:spec": {}}, False),
        ("us", "Update", {"f:spec": {"f:replicas": {}}}, False),
        ("them", "Apply", {"f:spec": {"f:replicas": {}}}, False),
    ],
)
def test_who_owns_the_replicas_stands_in_the_managed_fields(
    manager: str, operation: str, fields: dict[str, Any], *, owns: bool
) -> None:
    entry = {"manager": manager, "operation": operation, "fieldsV1": fields}
    assert owns_replicas({"metadata": {"managedFields": [entry]}}, "us") is owns
