from __future__ import annotations

import pytest

from besteffort_core.arrivals import RATE_WINDOW_S, rate_after, rate_at


def test_steady_arrivals_are_estimated_at_their_rate() -> None:
    rate = 0.0
    for _ in range(2000):
        rate = rate_after(rate, 0.01)
    assert rate == pytest.approx(100.0, rel=0.01)


def test_silence_lets_the_estimate_fall_by_e_per_window() -> None:
    assert rate_at(50.0, RATE_WINDOW_S) == pytest.approx(50.0 / 2.718281828)


def test_a_clock_that_steps_back_does_not_raise_the_estimate() -> None:
    assert rate_at(50.0, -3.0) == 50.0
