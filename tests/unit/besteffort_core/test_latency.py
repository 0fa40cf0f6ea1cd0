from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.errors import PoolError
from besteffort_core.latency import backlog_s, batch_table, candidates, corrected, faded, finish_s, request_s, work_s
from besteffort_core.model import Pool, Snapshot
from support.pools import snapshot


def test_a_batch_between_two_measured_ones_is_interpolated() -> None:
    assert batch_table({1: 0.1, 3: 0.3}).tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_a_larger_batch_never_takes_less_time() -> None:
    assert batch_table({1: 0.2, 2: 0.1, 4: 0.4}).tolist() == pytest.approx([0.0, 0.2, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("points", [{}, {0: 0.1}, {1: 0.0}, {1: -1.0}, {1: float("nan")}, {2: float("inf")}])
def test_a_latency_table_without_sense_is_refused(points: dict[int, float]) -> None:
    with pytest.raises(PoolError, match="positive seconds"):
        batch_table(points)


def test_work_is_counted_in_the_fullest_batches(pool: Pool) -> None:
    assert work_s(pool, 2, 0) == 0.0
    assert work_s(pool, 2, 8) == pytest.approx(0.2)
    assert work_s(pool, 2, 17) == pytest.approx(0.2 + 0.2 + 0.05)
    assert request_s(pool, 2) == pytest.approx(0.025)


def test_a_neighbour_delays_by_its_own_work_but_not_by_more_than_mine(pool: Pool) -> None:
    busy_large = snapshot([0, 0, 8])
    assert finish_s(pool, busy_large, 0) == pytest.approx(2 * 0.001)
    busy_small = snapshot([8, 0, 0])
    assert finish_s(pool, busy_small, 2) == pytest.approx(0.05 + 0.004)


def test_backends_on_other_devices_do_not_delay(pool: Pool) -> None:
    apart = pool._replace(device_of=np.array([0, 1, 2]))
    assert finish_s(apart, snapshot([8, 8, 8]), 0) == pytest.approx(work_s(pool, 0, 9))
    assert backlog_s(apart, snapshot([8, 8, 8]), 2) == pytest.approx(0.2)


def test_the_correction_scales_what_is_predicted(pool: Pool, idle: Snapshot) -> None:
    doubled = idle._replace(correction=np.array([1.0, 1.0, 2.0]))
    assert finish_s(pool, doubled, 2) == pytest.approx(2 * finish_s(pool, idle, 2))


def test_the_candidate_of_a_size_is_its_ready_backend_with_the_least_finish(pool: Pool) -> None:
    two_large = pool._replace(size_of=np.array([0, 2, 2]), device_of=np.array([0, 1, 2]))
    found = candidates(two_large, snapshot([0, 5, 1]))
    assert found.backend.tolist() == [0, -1, 2]
    assert found.finish_s[1] == np.inf
    assert candidates(two_large, snapshot([0, 5, 1], ready=(True, True, False))).backend.tolist() == [0, -1, 1]


def learned_correction(ratio: float) -> float:
    correction = 1.0
    for _ in range(500):
        correction = corrected(correction, 0.1, 0.1 * ratio)
    return correction


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_wrong_profile_is_corrected(ratio: float) -> None:
    assert learned_correction(ratio) == pytest.approx(ratio, rel=0.02)


def test_a_noisy_profile_is_estimated_above_its_middle() -> None:
    rng = np.random.default_rng(0)
    correction, seen = 1.0, []
    for noise in np.exp(rng.normal(0.0, 0.5, 5000)):
        correction = corrected(correction, 0.1, 0.1 * noise)
        seen.append(correction)
    assert 1.05 < np.median(seen) < 1.6


def test_answers_that_were_under_way_do_not_correct_twice() -> None:
    """A hundred requests are decided before the first answer says that all take twice as long."""
    correction = 1.0
    for _ in range(100):
        correction = corrected(correction, 0.1, 0.2)
    assert correction == pytest.approx(2.0, rel=0.01)


def test_one_absurd_answer_moves_the_estimate_little() -> None:
    assert corrected(1.0, 0.1, 1e9) < 1.2
    assert corrected(1.0, 0.1, 0.0) > 0.9


def test_a_correction_that_nothing_confirms_fades() -> None:
    assert faded(4.0, 0.0) == 4.0
    assert faded(4.0, 1e6) == pytest.approx(1.0)
    assert faded(0.5, 1e6) == pytest.approx(1.0)
    assert 1.0 < faded(4.0, 120.0) < 2.0


def test_a_correction_scales_a_prediction_that_holds_no_other_correction(pool: Pool) -> None:
    shared = pool._replace(device_of=np.zeros(3, dtype=np.int64))
    busy = snapshot([3, 0, 3])
    plain = finish_s(shared, busy, 2)
    assert finish_s(shared, busy._replace(correction=np.array([5.0, 5.0, 2.0])), 2) == pytest.approx(2 * plain)
