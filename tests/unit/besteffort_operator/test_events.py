"""Events: which there are, and that a repeated one is counted up."""

from __future__ import annotations

from typing import Any, cast

import pytest

from besteffort_operator.cluster import Cluster
from besteffort_operator.errors import ForbiddenError
from besteffort_operator.events import Events, Note, notes_of_children, notes_of_conditions
from besteffort_operator.kinds import EVENT
from support.in_memory_cluster import InMemoryCluster

SERVICE = {
    "apiVersion": "serving.besteffort.dev/v1alpha1",
    "kind": "BestEffortService",
    "metadata": {"name": "assistant", "namespace": "models", "uid": "u"},
}


def condition(kind: str, status: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "Because", "message": "so it is"}


def events(cluster: InMemoryCluster) -> Events:
    return Events(cast("Cluster", cluster), "operator-0")


def test_what_was_done_to_children_is_one_note_each() -> None:
    notes = list(notes_of_children({"Created": ["Service a", "Deployment b"], "Changed": [], "Removed": ["Service c"]}))
    assert notes == [Note("Created", "Created Service a, Deployment b"), Note("Removed", "Removed Service c")]


@pytest.mark.parametrize(
    ("before", "after", "warnings"),
    [
        ([condition("Ready", "False")], [condition("Ready", "True")], [False]),
        ([condition("Ready", "True")], [condition("Ready", "False")], [True]),
        ([condition("Ready", "True")], [condition("Ready", "True")], []),
        ([condition("Degraded", "False")], [condition("Degraded", "True")], [True]),
        ([condition("Progressing", "False")], [condition("Progressing", "True")], []),
        ([], [condition("Ready", "False"), condition("Degraded", "False")], []),
        ([], [condition("Ready", "False"), condition("Degraded", "True")], [True]),
    ],
)
def test_conditions_that_turn_are_news_and_so_are_faults_from_the_start(
    before: list[dict[str, Any]], after: list[dict[str, Any]], warnings: list[bool]
) -> None:
    assert [note.warning for note in notes_of_conditions(before, after)] == warnings


async def test_an_event_is_about_the_service() -> None:
    cluster = InMemoryCluster()
    await events(cluster).write(SERVICE, [Note("Created", "Created Service a")])
    (event,) = await cluster.list(EVENT, "models")
    assert event["involvedObject"]["uid"] == "u"
    assert (event["type"], event["reason"], event["message"], event["count"]) == (
        "Normal",
        "Created",
        "Created Service a",
        1,
    )


async def test_a_repeated_note_is_counted_up() -> None:
    cluster = InMemoryCluster()
    found = events(cluster)
    for _ in range(3):
        await found.write(SERVICE, [Note("Changed", "Changed Service a")])
    assert [event["count"] for event in await cluster.list(EVENT, "models")] == [3]


async def test_a_note_whose_event_has_gone_meanwhile_is_written_anew() -> None:
    cluster = InMemoryCluster()
    found, note = events(cluster), Note("Changed", "Changed Service a")
    for _ in range(2):
        await found.write(SERVICE, [note])
    (event,) = await cluster.list(EVENT, "models")
    await cluster.delete(EVENT, event)
    await found.write(SERVICE, [note])
    assert [event["count"] for event in await cluster.list(EVENT, "models")] == [1]
    await found.write(SERVICE, [note])
    assert [event["count"] for event in await cluster.list(EVENT, "models")] == [2]


async def test_a_note_that_a_former_process_wrote_is_not_doubled() -> None:
    cluster = InMemoryCluster()
    for _ in range(2):
        await events(cluster).write(SERVICE, [Note("Changed", "Changed Service a")])
    assert len(await cluster.list(EVENT, "models")) == 1


async def test_an_event_that_is_refused_harms_nobody() -> None:
    cluster = InMemoryCluster()
    cluster.refuses["create"] = ForbiddenError("no")
    await events(cluster).write(SERVICE, [Note("Created", "Created Service a")])
