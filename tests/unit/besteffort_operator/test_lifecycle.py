"""Waiting for the API, and looking at everything again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from besteffort_operator import lifecycle as module
from besteffort_operator.children import Children
from besteffort_operator.cluster import Cluster
from besteffort_operator.comparison import Memory
from besteffort_operator.errors import ForbiddenError, UnavailableError
from besteffort_operator.kinds import KINDS, OPTIONAL_KINDS, Kind
from besteffort_operator.lifecycle import Triggers, wait_until_served
from besteffort_operator.references import References
from besteffort_operator.work import Agenda, Key, Work
from besteffort_resource.document import service_from_mapping
from support.in_memory_cluster import InMemoryCluster
from support.operator_process import resource

KEY = Key("models", "assistant")


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def triggers(
    cluster: InMemoryCluster,
    work: Work,
    *namespaces: str,
    references: References | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Triggers:
    real = cast("Cluster", cluster)
    return Triggers(real, work, references or References(), Children(real, Memory()), namespaces, clock)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept; the fourth sleep ends the test's patience."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return slept


async def test_an_api_server_that_knows_the_resource_is_not_waited_for(naps: list[float]) -> None:
    await wait_until_served(cast("Cluster", InMemoryCluster()))
    assert naps == []


async def test_what_is_waited_for_is_said_once(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    cluster.refuses["serves"] = UnavailableError("no answer within 30.0 s")
    with pytest.raises(asyncio.CancelledError):
        await wait_until_served(cast("Cluster", cluster))
    assert caplog.text.count("waiting for the API server: no answer within 30.0 s") == 1
    assert len(naps) == 4


async def test_a_resync_spreads_the_services_over_its_period(naps: list[float]) -> None:
    clock = Clock()
    work = Work(agenda := Agenda(), clock)
    cluster = InMemoryCluster(*(resource(name, "models") for name in ("a", "b", "c", "d")))
    with pytest.raises(asyncio.CancelledError):
        await triggers(cluster, work).resync(40.0)
    taken = {agenda.take(now_s): now_s for now_s in range(0, 41, 5)}
    assert {key.name: at_s for key, at_s in taken.items() if key} == {"a": 0, "b": 10, "c": 20, "d": 30}
    assert naps[0] == 40.0


async def test_a_resync_looks_only_where_the_operator_acts(naps: list[float]) -> None:
    work = Work(agenda := Agenda(), Clock())
    cluster = InMemoryCluster(resource("a", "mine"), resource("b", "theirs"))
    with pytest.raises(asyncio.CancelledError):
        await triggers(cluster, work, "mine").resync(40.0)
    assert (agenda.take(99.0), agenda.take(99.0)) == (Key("mine", "a"), None)
    assert naps


async def test_a_resync_without_an_api_server_is_put_off(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    cluster.refuses["list"] = UnavailableError("away")
    with pytest.raises(asyncio.CancelledError):
        await triggers(cluster, Work()).resync(40.0)
    assert "cannot list the services: away" in caplog.text
    assert len(naps) == 4


async def test_kinds_that_may_not_be_listed_are_gone_without_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = InMemoryCluster()
    cluster.refuses["list PodMonitor"] = ForbiddenError("no")
    found = triggers(cluster, Work())
    for _ in range(2):
        present = await found._present_kinds()
    assert {kind.kind for kind in KINDS} - {kind.kind for kind in present} == {"PodMonitor"}
    assert caplog.text.count("may not list podmonitors") == 1


async def test_add_ons_that_are_not_there_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = InMemoryCluster()

    async def serves(kind: Kind) -> bool:
        return not kind.optional

    monkeypatch.setattr(cluster, "serves", serves)
    present: list[Any] = await triggers(cluster, Work())._present_kinds()
    assert set(present) == set(KINDS) - set(OPTIONAL_KINDS)


async def test_rights_that_are_there_are_asked_for_seldom_and_those_that_are_not_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, cluster, asked = Clock(), InMemoryCluster(), []

    async def may_list(kind: Kind, _: str | None = None) -> bool:
        asked.append(kind)
        return kind is not KINDS[0]

    monkeypatch.setattr(cluster, "may_list", may_list)
    found = triggers(cluster, Work(), clock=clock)
    before = await found._present_kinds()
    asked.clear()
    assert await found._present_kinds() == before == list(KINDS[1:])
    assert asked == [KINDS[0]]
    clock.now_s += module.RIGHTS_S
    await found._present_kinds()
    assert asked[1:] == list(KINDS)


async def test_an_add_on_that_went_and_came_again_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, there = InMemoryCluster(), True

    async def serves(_: Kind) -> bool:
        return there

    monkeypatch.setattr(cluster, "serves", serves)
    found = triggers(cluster, Work(), clock=Clock())
    for there in (True, False, True):
        present = await found._present_kinds()
        assert set(OPTIONAL_KINDS) <= set(present) if there else not set(OPTIONAL_KINDS) & set(present)


def with_a_profile() -> References:
    references = References()
    profile = {"configMapRef": {"name": "measured", "key": "p"}}
    references.note(KEY, service_from_mapping(resource("assistant", "models", profile=profile)))
    return references


def config_map(name: str, text: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "models"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"p": text}}


async def test_a_profile_that_comes_or_changes_makes_its_services_due_once() -> None:
    cluster, work = InMemoryCluster(), Work(agenda := Agenda(spacing_s=0.0), Clock())
    found = triggers(cluster, work, references=with_a_profile())
    versions = await found._changed_profiles({})
    due = []
    for meanwhile in (None, config_map("measured", "1"), None, config_map("measured", "2"), config_map("another", "")):
        if meanwhile:
            cluster.put(meanwhile)
        while key := agenda.take(0.0):
            agenda.succeed(key, 0.0, again_s=None)
        versions = await found._changed_profiles(versions)
        due.append(len(agenda))
    assert due == [0, 1, 0, 1, 0]


async def test_profiles_are_looked_at_again_and_again(naps: list[float]) -> None:
    work = Work(agenda := Agenda(), Clock())
    with pytest.raises(asyncio.CancelledError):
        await triggers(InMemoryCluster(), work, references=with_a_profile()).profiles()
    assert agenda.take(0.0) == KEY
    assert set(naps) == {module.PROFILES_S}


async def test_a_profile_that_cannot_be_read_now_is_looked_at_again() -> None:
    cluster, work = InMemoryCluster(), Work(agenda := Agenda(), Clock())
    found = triggers(cluster, work, references=with_a_profile())
    cluster.refuses["get"] = UnavailableError("away")
    assert await found._changed_profiles({}) == {}
    assert agenda.take(0.0) is None
    cluster.refuses.clear()
    await found._changed_profiles({})
    assert agenda.take(0.0) == KEY


@pytest.mark.parametrize(
    ("namespaces", "words"), [(("a", "b"), "watches namespaces a, b"), ((), "watches all namespaces")]
)
async def test_where_it_watches_is_said_once(
    naps: list[float], caplog: pytest.LogCaptureFixture, namespaces: tuple[str, ...], words: str
) -> None:
    caplog.set_level(logging.INFO)
    cluster = InMemoryCluster()
    cluster.refuses["serves"] = UnavailableError("away")
    with pytest.raises(asyncio.CancelledError):
        await triggers(cluster, Work(Agenda(), Clock()), *namespaces).watch()
    assert [record.getMessage() for record in caplog.records].count(words) == 1
    assert len(naps) == 4


async def test_a_namespace_that_is_not_there_is_said_and_a_missing_right_to_look_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"namespace": "", "name": "there"}}
    cluster = InMemoryCluster(there)
    found = triggers(cluster, Work(Agenda(), Clock()), "there", "missing")
    await found._warn_of_missing_namespaces()
    assert [record.getMessage() for record in caplog.records] == [
        "there is no namespace missing: nothing happens there until it is made"
    ]
    caplog.clear()
    cluster.refuses["get"] = ForbiddenError("no")
    await found._warn_of_missing_namespaces()
    assert caplog.records == []
