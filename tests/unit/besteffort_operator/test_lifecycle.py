"""Waiting for the API, and looking at everything again."""

from __future__ import annotations

import asyncio
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
from support.in_memory_cluster import InMemoryCluster
from support.operator_process import resource


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def triggers(cluster: InMemoryCluster, work: Work, *namespaces: str) -> Triggers:
    real = cast("Cluster", cluster)
    return Triggers(real, work, References(), Children(real, Memory()), namespaces)


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
