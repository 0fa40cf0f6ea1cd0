from __future__ import annotations

import numpy as np
import pytest

from besteffort_study.rules.values import UNSEEN, Steps, solve

CHEAPEST_FIRST = np.array([0, 1])


def steps(*rows: tuple[int, int, float, int], gap_s: float = 1.0) -> Steps:
    state, size, reward, after = (np.array(column) for column in zip(*rows, strict=True))
    return Steps(state, size, reward.astype(np.float64), np.full(state.size, gap_s), after)


def test_a_size_that_earns_less_now_may_be_worth_more() -> None:
    # In state 0 size 1 earns 1 and leads to state 1, where nothing is earned; size 0 earns 0.6 and stays.
    values = solve([steps((0, 0, 0.6, 0), (0, 1, 1.0, 1), (1, 0, 0.0, 1))], 2, CHEAPEST_FIRST, 10.0)
    kept = np.exp(-0.1)
    assert values[0, 0] == pytest.approx(0.6 / (1 - kept))
    assert values[0, 1] == pytest.approx(1.0)


def test_with_a_short_horizon_only_now_counts() -> None:
    values = solve([steps((0, 0, 0.6, 0), (0, 1, 1.0, 1), (1, 0, 0.0, 1))], 2, CHEAPEST_FIRST, 0.01)
    assert values[0].tolist() == pytest.approx([0.6, 1.0])


def test_what_came_of_the_same_decision_is_averaged_over_all_parts() -> None:
    parts = [steps((0, 0, 1.0, 1), (1, 0, 0.0, 1)), steps((0, 0, 0.0, 1), (0, 0, 0.5, 1))]
    assert solve(parts, 2, CHEAPEST_FIRST, 0.01)[0, 0] == pytest.approx(0.5)


def test_what_was_never_tried_is_never_preferred_and_the_cheapest_least_bad() -> None:
    values = solve([steps((0, 1, 0.0, 0))], 3, CHEAPEST_FIRST, 1.0)
    assert values[0, 1] == 0.0
    assert values[0, 0] == UNSEEN
    assert values[2].tolist() == [UNSEEN, 2 * UNSEEN]
