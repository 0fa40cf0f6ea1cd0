"""Who leads, and for how long it may write."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from besteffort_operator import lease as module
from besteffort_operator.cluster import Cluster
from besteffort_operator.errors import NotLeadingError, UnavailableError
from besteffort_operator.kinds import LEASE
from besteffort_operator.lease import DURATION_S, WRITES_END_S, Election, Name, Sight, may_take, record
from support.in_memory_cluster import InMemoryCluster

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HELD = {"holderIdentity": "other", "leaseDurationSeconds": 10, "acquireTime": "then", "leaseTransitions": 3}


@pytest.mark.parametrize(
    ("spec", "age_s", "free"),
    [
        ({}, 0, True),
        (HELD | {"holderIdentity": ""}, 0, True),
        (HELD | {"holderIdentity": "me"}, 0, True),
        (HELD, 9.9, False),
        (HELD, 10, True),
        (HELD | {"leaseDurationSeconds": 30}, 10, False),
        ({"holderIdentity": "other"}, 10, True),
    ],
)
def test_a_lease_is_free_once_its_holder_has_let_it_stand_for_its_duration(
    spec: dict[str, Any], age_s: float, *, free: bool
) -> None:
    assert may_take(Sight(spec, 100.0), "me", 100.0 + age_s) is free


def test_who_renews_keeps_when_it_was_acquired() -> None:
    before = record({}, "me", NOW)
    after = record(before, "me", datetime(2026, 11, 21, 13, tzinfo=UTC))
    assert after["acquireTime"] == before["acquireTime"] == "2026-11-21T12:00:00.000000Z"
    assert after["renewTime"] != before["renewTime"]
    assert after["leaseTransitions"] == 0


def test_who_takes_over_counts_a_transition() -> None:
    taken = record(HELD, "me", NOW)
    assert (taken["holderIdentity"], taken["leaseTransitions"]) == ("me", 4)
    assert taken["acquireTime"] != "then"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def election(cluster: InMemoryCluster, clock: Clock, identity: str = "me") -> Election:
    return Election(cast("Cluster", cluster), Name("system", "lease", identity), clock)


async def lead(found: Election) -> None:
    """Seek the lease once."""
    await found._seek()


async def test_the_first_to_come_leads_and_may_write_for_less_than_the_lease_lasts() -> None:
    clock = Clock()
    mine = election(InMemoryCluster(), clock)
    await lead(mine)
    assert mine.leading.is_set()
    assert mine.write_s() == DURATION_S
    clock.now_s += WRITES_END_S - 0.1
    assert mine.write_s() == pytest.approx(DURATION_S - WRITES_END_S + 0.1)


async def test_without_a_renewal_nothing_is_written_before_another_may_lead() -> None:
    clock = Clock()
    mine = election(InMemoryCluster(), clock)
    await lead(mine)
    clock.now_s += WRITES_END_S
    with pytest.raises(NotLeadingError, match="was not renewed in time"):
        mine.write_s()
    assert WRITES_END_S < DURATION_S


async def test_who_never_led_may_not_write() -> None:
    with pytest.raises(NotLeadingError):
        election(InMemoryCluster(), Clock()).write_s()


async def test_a_second_one_waits_and_takes_over_when_the_first_falls_silent() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    await lead(second)
    clock.now_s += DURATION_S - 0.1
    await lead(second)
    assert not second.leading.is_set()
    clock.now_s += 0.1
    await lead(second)
    assert second.leading.is_set()


async def test_a_renewal_that_the_second_one_sees_starts_its_patience_anew() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    await lead(second)
    clock.now_s += DURATION_S - 1
    await lead(first)
    await lead(second)
    clock.now_s += DURATION_S - 1
    await lead(second)
    assert not second.leading.is_set()


async def test_two_that_take_a_free_lease_at_once_do_not_both_lead() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    rivals = [election(cluster, clock, name) for name in ("a", "b")]
    lease = {"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": {"namespace": "system", "name": "lease"}}
    read = cluster.put(lease | {"spec": {}})
    for rival in rivals:
        await rival._take(read, clock.now_s)
    assert [rival.leading.is_set() for rival in rivals] == [True, False]


async def test_a_leader_whose_lease_another_has_taken_ends() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    mine = election(cluster, clock)
    await lead(mine)
    lease = await cluster.get(LEASE, "system", "lease")
    cluster.put(lease | {"spec": HELD})
    with pytest.raises(NotLeadingError, match="is other's"):
        await lead(mine)
    with pytest.raises(NotLeadingError):
        mine.write_s()


async def test_a_lease_that_is_deleted_stays_its_leaders() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    await lead(second)
    await cluster.delete(LEASE, await cluster.get(LEASE, "system", "lease"))
    await lead(second)
    assert not second.leading.is_set()
    await lead(first)
    assert (await cluster.get(LEASE, "system", "lease"))["spec"]["holderIdentity"] == "first"


async def test_a_lease_that_another_makes_after_it_was_deleted_ends_the_leader() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    await cluster.delete(LEASE, await cluster.get(LEASE, "system", "lease"))
    await lead(second)  # one that has just started knows of no leader
    with pytest.raises(NotLeadingError, match="is second's"):
        await lead(first)
    with pytest.raises(NotLeadingError):
        first.write_s()


async def test_a_lease_that_is_given_back_is_free_at_once() -> None:
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    await first.release()
    with pytest.raises(NotLeadingError):
        first.write_s()
    await lead(second)
    assert second.leading.is_set()


async def test_who_does_not_lead_gives_nothing_back() -> None:
    cluster = InMemoryCluster()
    await election(cluster, Clock()).release()
    assert cluster.writes == []


async def test_a_leader_without_an_api_server_ends_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, cluster = Clock(), InMemoryCluster()
    mine = election(cluster, clock)
    await lead(mine)
    cluster.refuses["get"] = UnavailableError("away")

    async def sleep(seconds: float) -> None:
        clock.now_s += seconds

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(NotLeadingError):
        await mine.run()
    assert WRITES_END_S <= clock.now_s - 1000.0 < DURATION_S


async def test_it_seeks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = InMemoryCluster()
    mine = election(cluster, Clock())
    naps = 0

    async def sleep(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await mine.run()
    assert [write.split()[0] for write in cluster.writes] == ["create", "replace", "replace"]


async def test_a_standby_says_once_who_holds_the_lease_and_again_when_that_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock, cluster = Clock(), InMemoryCluster()
    first, second = election(cluster, clock, "first"), election(cluster, clock, "second")
    await lead(first)
    for _ in range(3):
        await lead(second)
    assert caplog.text.count("stands by: first holds the lease") == 1
    held = await cluster.get(LEASE, "system", "lease")
    cluster.put(held | {"spec": HELD})
    await lead(second)
    await lead(second)
    assert caplog.text.count("stands by: other holds the lease") == 1


async def test_an_api_server_that_stays_away_is_said_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, cluster = Clock(), InMemoryCluster()
    cluster.refuses["get"] = UnavailableError("away")
    naps = 0

    async def sleep(seconds: float) -> None:
        nonlocal naps
        naps += 1
        clock.now_s += seconds
        if naps == 40:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await election(cluster, clock).run()
    assert [record.getMessage() for record in caplog.records] == ["lease lease: away"] * 2
