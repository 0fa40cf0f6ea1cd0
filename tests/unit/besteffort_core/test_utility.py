from __future__ import annotations

import pytest

from besteffort_core.utility import utility, worth_until_s


@pytest.mark.parametrize(
    ("latency_s", "grace_factor", "worth"),
    [
        (0.0, 1.0, 0.8),
        (1.0, 1.0, 0.8),
        (1.001, 1.0, 0.0),
        (1.0, 2.0, 0.8),
        (1.5, 2.0, 0.4),
        (2.0, 2.0, 0.0),
        (9.0, 2.0, 0.0),
    ],
)
def test_worth_is_whole_in_time_and_falls_linearly_in_the_grace(
    latency_s: float, grace_factor: float, worth: float
) -> None:
    assert utility(0.8, latency_s, 1.0, grace_factor) == pytest.approx(worth)


def test_a_grace_below_one_is_a_hard_deadline() -> None:
    assert worth_until_s(0.3, 0.5) == 0.3
    assert utility(1.0, 0.31, 0.3, 0.5) == 0.0
