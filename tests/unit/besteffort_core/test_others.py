"""What other routers have, from one's own requests."""

from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.latency import request_s
from besteffort_core.model import Candidates, Pool
from besteffort_core.others import (
    device_work_s,
    is_own,
    leans_s,
    preferred,
    progress_beside_others_s,
    ratio_of,
    with_others,
)


def two_replicas(pool: Pool) -> Pool:
    """The sizes of the pool on two devices."""
    return pool._replace(
        size_of=np.array([0, 1, 2, 0, 1, 2]),
        device_of=np.array([0, 0, 0, 1, 1, 1]),
        hosted=np.arange(6).reshape(2, 3),
    )


def test_a_router_alone_sees_what_it_has() -> None:
    assert ratio_of(0.0, 0.0) == ratio_of(9.0, 10.0) == 1.0
    assert ratio_of(40.0, 10.0) == 4.0


def test_others_have_of_each_size_what_we_have_of_it_wherever_that_is(pool: Pool) -> None:
    own, seen = np.array([4, 0, 1, 0, 0, 1]), np.empty(6, dtype=np.int64)
    with_others(two_replicas(pool), own, 4.0, np.zeros(6), seen)
    assert seen.tolist() == [4 + 6, 0, 1 + 3, 6, 0, 1 + 3]
    with_others(two_replicas(pool), own, 1.0, np.zeros(6), seen)
    assert seen.tolist() == own.tolist()


def test_they_have_it_where_theirs_ended(pool: Pool) -> None:
    own, seen = np.array([4, 0, 1, 0, 0, 1]), np.empty(6, dtype=np.int64)
    with_others(two_replicas(pool), own, 4.0, np.array([10.0, 0.0, 0.0, 30.0, 0.0, 5.0]), seen)
    assert seen.tolist() == [4 + 3, 0, 1, 9, 0, 1 + 6]


def test_devices_that_are_equal_take_turns(pool: Pool) -> None:
    found = [progress_beside_others_s(two_replicas(pool), turn) for turn in range(4)]
    assert [one.argmax() for one in found] == [0, 1, 0, 1]
    assert np.min(found) > -1e-4


def test_the_work_of_a_device_is_in_seconds_not_in_requests(pool: Pool) -> None:
    pool = two_replicas(pool)
    work_s = device_work_s(pool, np.array([10.0, 0.0, 0.0, 0.0, 0.0, 1.0]))
    assert work_s == pytest.approx([10.0 * request_s(pool, 0), request_s(pool, 2)])


def test_a_router_leans_to_the_device_that_does_least_for_others_by_two_passes_at_most(pool: Pool) -> None:
    pool, ready = two_replicas(pool)._replace(turns=True), np.ones(6, dtype=np.bool_)
    pass_s = pool.batch_s[pool.rank[0], 1]
    for elsewhere, least_s, most_s in ((10.0, 0.0, 0.0), (11.0, 0.7, 0.8), (100.0, 2.0, 2.0)):
        leans = leans_s(pool, np.array([10.0, 0.0, 0.0, elsewhere, 0.0, 0.0]), ready) / pass_s
        assert leans[:3].tolist() == [0.0, 0.0, 0.0]
        assert np.all((least_s <= leans[3:]) & (leans[3:] <= most_s))


def test_only_ready_backends_of_one_size_are_compared(pool: Pool) -> None:
    dedicated = pool._replace(
        size_of=np.array([2, 2, 1]), device_of=np.arange(3), hosted=np.arange(3).reshape(3, 1), turns=True
    )
    theirs, ready = np.array([10.0, 10.0, 0.0]), np.ones(3, dtype=np.bool_)
    assert leans_s(dedicated, theirs, ready).tolist() == [0.0, 0.0, 0.0]
    replicas = dedicated._replace(size_of=np.full(3, 2))
    assert leans_s(replicas, theirs, np.array([True, True, False])).tolist() == [0.0, 0.0, 0.0]
    assert leans_s(replicas, theirs, ready)[:2].min() > 0.0


def test_nobody_leans_where_a_router_cannot_tell_what_runs(pool: Pool) -> None:
    replicas, theirs = two_replicas(pool), np.array([10.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for blind in (replicas._replace(turns=False), replicas._replace(turns=True, mean_steps=4.0)):
        assert not leans_s(blind, theirs, np.ones(6, dtype=np.bool_)).any()


def test_a_preferred_backend_is_left_for_one_that_is_clearly_earlier(pool: Pool) -> None:
    pool = two_replicas(pool)
    leans, nothing = np.array([0.0, 0.0, 0.0, 0.02, 0.02, 0.02]), np.zeros(6)
    finish_s = np.array([0.05, 0.06, 0.09, 0.04, 0.03, np.inf])
    found = Candidates(np.array([3, 4, 2]), finish_s, nothing, nothing)
    chosen_from = preferred(pool, found, leans, 0.1)
    assert chosen_from.backend.tolist() == [0, 4, 2]
    assert chosen_from.finish_s == pytest.approx([0.05, 0.06, 0.09, 0.06, 0.05, np.inf])
    assert preferred(pool, found, nothing, 0.1) is found


def test_what_alone_is_in_time_is_not_left_out_for_what_is_preferred(pool: Pool) -> None:
    pool, nothing = two_replicas(pool), np.zeros(6)
    leans, finish_s = (
        np.array([0.0, 0.0, 0.0, 0.02, 0.02, 0.02]),
        np.array([0.095, np.inf, np.inf, 0.085, np.inf, np.inf]),
    )
    found = Candidates(np.array([3, -1, -1]), finish_s, nothing, nothing)
    assert preferred(pool, found, leans, 0.09) is found
    assert preferred(pool, found, leans, 0.12).backend[0] == 0


def test_a_device_is_ours_while_others_have_hardly_any_of_its_work() -> None:
    assert is_own(0.0, 0.0)
    assert is_own(8.0, 2.0)
    assert not is_own(0.5, 0.5)
    assert not is_own(0.0, 0.01)
