"""When a replica of the operator is ready: with a webhook, its requests go to ready ones only."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from besteffort_operator import __main__ as main
from besteffort_operator import lifecycle as module
from besteffort_operator.children import Children
from besteffort_operator.cluster import Cluster
from besteffort_operator.comparison import Memory
from besteffort_operator.lifecycle import Triggers
from besteffort_operator.references import References
from besteffort_operator.webhook import Webhook
from besteffort_operator.work import Work
from support.in_memory_cluster import InMemoryCluster


def triggers() -> Triggers:
    found = InMemoryCluster()
    found.credentials = None  # type: ignore[attr-defined]  the watches that would ask for them are not real
    cluster = cast("Cluster", found)
    return Triggers(cluster, Work(), References(), Children(cluster, Memory()), ())


class Stand:
    """A webhook that listens, or does not yet."""

    def __init__(self, *, is_listening: bool) -> None:
        self.is_listening = is_listening


@pytest.mark.parametrize(
    ("has_watched", "webhook", "ready"),
    [
        (False, None, False),
        (True, None, True),
        (True, Stand(is_listening=False), False),
        (True, Stand(is_listening=True), True),
        (False, Stand(is_listening=True), False),
    ],
)
def test_a_replica_is_ready_once_it_watches_and_its_webhook_listens(
    *, has_watched: bool, webhook: Stand | None, ready: bool
) -> None:
    found = triggers()
    found.has_watched = has_watched
    assert main._is_ready(found, cast("Webhook | None", webhook)) is ready


async def test_a_replica_stays_ready_while_watching_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    found = triggers()

    class Broken:
        def __init__(self, *_: Any, **__: Any) -> None:
            begun.append(found.has_watched)

        async def run(self) -> None:
            if len(begun) == 3:
                raise asyncio.CancelledError

    async def nap(_: float) -> None:
        if len(begun) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(module, "Watch", Broken)
    monkeypatch.setattr(module.asyncio, "sleep", nap)
    with pytest.raises(asyncio.CancelledError):
        await found.watch()
    assert begun == [False, True, True]
    assert found.has_watched
