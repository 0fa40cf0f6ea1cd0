"""What other routers have, from one's own requests."""

from __future__ import annotations

import numpy as np

from besteffort_core.model import Pool
from besteffort_core.others import alone, divide, progress_beside_others_s, ratio_of, with_others


def two_replicas(pool: Pool) -> Pool:
    """The sizes of the pool on two devices."""
    return pool._replace(
        size_of=np.array([0, 1, 2, 0, 1, 2]),
        device_of=np.array([0, 0, 0, 1, 1, 1]),
        hosted=np.arange(6).reshape(2, 3),
    )


def parts_of(pool: Pool, place: int, routers: int, ready: tuple[bool, ...] = (True,) * 6) -> list[int]:
    parts = np.empty(6, dtype=np.int64)
    divide(pool, np.array(ready), place, routers, parts)
    return parts.tolist()


def test_a_router_alone_sees_what_it_has() -> None:
    assert ratio_of(0.0, 0.0, 1) == ratio_of(9.0, 10.0, 1) == 1.0
    assert ratio_of(40.0, 10.0, 1) == 4.0


def test_before_any_request_has_ended_all_routers_are_taken_to_have_alike() -> None:
    assert ratio_of(0.0, 0.0, 3) == 3.0


def test_others_have_of_each_size_what_we_have_of_it_wherever_that_is(pool: Pool) -> None:
    own, seen, shared = np.array([4, 0, 1, 0, 0, 1]), np.empty(6, dtype=np.int64), np.ones(6, dtype=np.int64)
    with_others(two_replicas(pool), own, 4.0, shared, seen)
    assert seen.tolist() == [4 + 6, 0, 1 + 3, 6, 0, 1 + 3]
    with_others(two_replicas(pool), own, 1.0, shared, seen)
    assert seen.tolist() == own.tolist()


def test_as_many_parts_as_divide_routers_and_backends_alike(pool: Pool) -> None:
    replicas = two_replicas(pool)
    assert parts_of(replicas, 0, 1) == [1] * 6
    assert parts_of(replicas, 0, 2) == [2, 2, 2, 0, 0, 0]
    assert parts_of(replicas, 1, 2) == parts_of(replicas, 3, 4) == [0, 0, 0, 2, 2, 2]
    assert parts_of(replicas, 2, 3) == [1] * 6


def test_a_size_with_one_ready_backend_is_shared_by_all(pool: Pool) -> None:
    one_small = (True, True, True, False, True, True)
    assert parts_of(two_replicas(pool), 1, 2, one_small) == [1, 0, 0, 0, 2, 2]


def test_only_who_has_all_of_its_part_to_itself_is_alone() -> None:
    assert alone(np.array([4, 0, 4]), 4)
    assert not alone(np.array([2, 0, 2]), 4)
    assert not alone(np.array([1, 0, 2]), 2)


def test_what_is_in_other_parts_is_as_in_ours(pool: Pool) -> None:
    own, seen = np.array([4, 0, 2, 0, 0, 0]), np.empty(6, dtype=np.int64)
    parts = np.array([2, 2, 2, 0, 0, 0])
    with_others(two_replicas(pool), own, 2.0, parts, seen)
    assert seen.tolist() == [4, 0, 2, 4, 0, 2]
    with_others(two_replicas(pool), own, 4.0, parts, seen)
    assert seen.tolist() == [8, 0, 4, 8, 0, 4]


def test_devices_that_are_equal_take_turns(pool: Pool) -> None:
    found = [progress_beside_others_s(two_replicas(pool), turn).argmax() for turn in range(4)]
    assert found == [0, 1, 0, 1]
