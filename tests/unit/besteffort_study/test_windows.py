from __future__ import annotations

import numpy as np
import pytest

from besteffort_study.windows import ASKED, second_by_second, window_shares


def shares(arrival_s: list[float], reward: list[float], peak: list[float]) -> dict[tuple[float, float], float]:
    found = window_shares(np.array(arrival_s), np.array(reward), np.array(peak))
    return dict(zip(ASKED, found, strict=True))


def test_a_window_counts_where_its_requests_earn_that_part_of_their_peak() -> None:
    found = shares([0.1, 0.2, 1.5, 2.5], [0.8, 0.8, 0.776, 0.5], [0.8, 0.8, 0.8, 0.8])
    assert found[1.0, 0.96] == pytest.approx(2 / 3)
    assert found[1.0, 0.98] == pytest.approx(1 / 3)
    assert found[10.0, 0.96] == 0.0


def test_ten_seconds_forgive_what_one_does_not() -> None:
    arrival_s = np.arange(100) / 10
    reward = np.ones(100)
    reward[:3] = 0.0
    found = shares(arrival_s.tolist(), reward.tolist(), [1.0] * 100)
    assert found[1.0, 0.96] == 0.9
    assert found[10.0, 0.96] == 1.0
    assert found[10.0, 0.98] == 0.0


def test_windows_without_a_request_are_left_out() -> None:
    assert shares([0.5, 25.0], [0.7, 0.0], [0.7, 0.7]) == dict.fromkeys(ASKED, 0.5)


def test_what_equals_the_part_to_rounding_reaches_it() -> None:
    assert shares([0.1] * 3, [0.3 * 0.96] * 3, [0.3] * 3)[1.0, 0.96] == 1.0


def test_a_series_is_the_reward_of_what_arrives_in_each_second() -> None:
    assert second_by_second(np.array([0.0, 0.9, 2.0]), np.array([0.5, 0.25, 1.0])) == (0.75, 0.0, 1.0)
