from __future__ import annotations

import numpy as np
import pytest

from besteffort_sim.compiled import compiled
from besteffort_sim.returns import discounted_tail


def test_the_tail_is_the_sum_that_its_docstring_says_compiled_or_not() -> None:
    rng = np.random.default_rng(0)
    times_s, values, at_s = np.sort(rng.uniform(0, 50, 200)), rng.normal(size=200), rng.uniform(-1, 51, 40)
    wanted = [(values * np.exp(-(times_s - at) / 0.7))[times_s > at].sum() for at in at_s]
    assert discounted_tail(times_s, values, at_s, 0.7) == pytest.approx(wanted)
    assert compiled(discounted_tail)(times_s, values, at_s, 0.7) == pytest.approx(wanted)


def test_what_is_earned_at_the_very_moment_is_past() -> None:
    one = np.array([1.0])
    assert discounted_tail(one, one, one, 1.0).tolist() == [0.0]


def test_nothing_earned_is_worth_nothing() -> None:
    none = np.empty(0)
    assert discounted_tail(none, none, np.array([1.0]), 1.0).tolist() == [0.0]
