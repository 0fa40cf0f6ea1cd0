from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.observation import encode, layout_hash, observation_length
from support.pools import SIZES, TASKS, snapshot


def observed(pool: Pool, seen: Snapshot, *, task: int = 1, deadline_s: float = 0.5) -> list[float]:
    request = Request(task, deadline_s)
    vector = encode(request, candidates(request, pool, seen), pool, seen)
    assert vector.shape == (observation_length(len(TASKS), len(SIZES)),)
    return [float(number) for number in vector]


def test_the_layout_is_the_one_that_the_docstring_states(pool: Pool, idle: Snapshot) -> None:
    vector = observed(pool, idle)
    assert vector[:3] == [0.0, 1.0, 0.0]
    assert vector[3:6] == pytest.approx([0.998, 0.98, 0.9])
    assert vector[6:9] == pytest.approx([0.001, 0.01, 0.05])
    assert vector[9:12] == pytest.approx([0.5, 0.6, 0.9])
    assert vector[12:15] == [1.0, 1.0, 1.0]
    assert vector[15:18] == [0.0, 0.0, 0.0]
    assert vector[18] == pytest.approx(math.log(5.0))


def test_twice_the_speed_and_half_the_deadline_look_the_same(pool: Pool) -> None:
    fast = pool._replace(batch_s=pool.batch_s / 2)
    slow_view = observed(pool, snapshot([3, 9, 1], rate_rps=10.0), deadline_s=0.5)
    assert observed(fast, snapshot([3, 9, 1], rate_rps=20.0), deadline_s=0.25) == pytest.approx(slow_view)


def test_overload_and_absence_stay_finite(pool: Pool) -> None:
    vector = observed(pool, snapshot([9999, 9999, 9999], ready=(True, True, False), rate_rps=0.0))
    assert np.isfinite(vector).all()
    assert vector[5] == -2.0
    assert vector[14] == 0.0
    assert vector[15] == 4.0


def test_the_hash_changes_with_every_name_and_their_order() -> None:
    hashes = {
        layout_hash(("a", "b"), ("s", "l")),
        layout_hash(("b", "a"), ("s", "l")),
        layout_hash(("a", "b"), ("l", "s")),
        layout_hash(("a",), ("s", "l")),
    }
    assert len(hashes) == 4
    assert layout_hash(["a", "b"], ["s", "l"]) in hashes
