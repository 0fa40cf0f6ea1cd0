"""What other routers have, from one's own requests."""

from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.latency import request_s
from besteffort_core.model import Pool
from besteffort_core.others import is_own, progress_beside_others_s, ratio_of, shares_of, with_others


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


def test_a_share_is_one_of_work_not_of_requests(pool: Pool) -> None:
    pool = two_replicas(pool)
    small_s, large_s = request_s(pool, 0), request_s(pool, 2)
    shares = shares_of(pool, np.array([10.0, 0.0, 0.0, 0.0, 0.0, 1.0]))
    assert shares == pytest.approx(np.array([10.0 * small_s, large_s]) / (10.0 * small_s + large_s))
    assert shares_of(pool, np.zeros(6)).tolist() == [0.5, 0.5]


def test_devices_that_are_equal_take_turns(pool: Pool) -> None:
    found = [progress_beside_others_s(two_replicas(pool), np.full(2, 0.5), turn).argmax() for turn in range(4)]
    assert found == [0, 1, 0, 1]


def test_a_router_leans_to_the_device_that_others_use_least_and_by_two_passes_at_most(pool: Pool) -> None:
    pool = two_replicas(pool)
    pass_s = pool.batch_s[pool.rank[0], 1]
    for share in (0.45, 0.1, 0.0):
        progress_s = progress_beside_others_s(pool, np.array([share, 1.0 - share]), 0)
        assert 0.5 * pass_s < progress_s[0] - progress_s[1] < 2.1 * pass_s


def test_a_device_is_ours_while_others_have_hardly_any_work_there() -> None:
    assert is_own(0.0)
    assert is_own(0.09)
    assert not is_own(0.25)
