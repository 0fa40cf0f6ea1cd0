"""What other routers have, from one's own requests."""

from __future__ import annotations

import numpy as np

from besteffort_core.model import Pool
from besteffort_core.others import progress_beside_others_s, ratio_of, with_others


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
    with_others(two_replicas(pool), own, 4.0, seen)
    assert seen.tolist() == [4 + 6, 0, 1 + 3, 6, 0, 1 + 3]
    with_others(two_replicas(pool), own, 1.0, seen)
    assert seen.tolist() == own.tolist()


def test_devices_that_are_equal_take_turns(pool: Pool) -> None:
    found = [progress_beside_others_s(two_replicas(pool), turn).argmax() for turn in range(4)]
    assert found == [0, 1, 0, 1]
