from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.errors import PoolError
from besteffort_core.model import Pool
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool

SMALL = SizeSpec("small", 0.4, {}, {1: 0.1})


def test_rows_are_tasks_and_the_last_is_for_other_tasks(pool: Pool) -> None:
    assert pool.quality.tolist() == [[0.4, 0.6, 0.9], [0.5, 0.6, 0.9], [0.4, 0.6, 0.9]]


def test_sizes_are_ranked_by_mean_quality_whatever_their_order() -> None:
    sizes = [SizeSpec("b", 0.9, {}, {1: 0.1}), SizeSpec("a", 0.2, {}, {1: 0.1}), SizeSpec("c", 0.5, {}, {1: 0.1})]
    assert build_pool(["t"], sizes, []).rank.tolist() == [0, 2, 1]


def test_a_smaller_largest_batch_is_never_read_past(pool: Pool) -> None:
    mixed = build_pool([], [SMALL, SizeSpec("large", 0.9, {}, {1: 0.2, 4: 0.3})], [])
    assert mixed.max_batch.tolist() == [1, 4]
    assert np.isinf(mixed.batch_s[0, 2:]).all()
    assert np.isfinite(pool.batch_s).all()


def test_backends_share_a_device_by_its_name() -> None:
    backends = [BackendSpec("small", "b"), BackendSpec("small", "a"), BackendSpec("small", "b")]
    assert build_pool([], [SMALL], backends).device_of.tolist() == [1, 0, 1]


def test_a_backend_of_an_unknown_size_is_named() -> None:
    with pytest.raises(PoolError, match="'huge' is not one of small"):
        build_pool([], [SMALL], [BackendSpec("huge", "a")])


def test_no_size_and_two_of_one_name_are_refused() -> None:
    with pytest.raises(PoolError, match="at least one"):
        build_pool([], [], [])
    with pytest.raises(PoolError, match="differ"):
        build_pool([], [SMALL, SMALL], [])
