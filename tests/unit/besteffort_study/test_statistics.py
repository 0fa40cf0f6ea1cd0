from __future__ import annotations

import numpy as np
import pytest

from besteffort_study.statistics import over_seeds, paired


def test_the_interval_is_over_seeds_and_not_over_runs() -> None:
    """Loads differ far more than seeds do; that is no uncertainty."""
    values = np.array([[0.1, 0.1, 0.1], [0.9, 0.9, 0.9]])
    assert over_seeds(values).mean == pytest.approx(0.5)
    assert over_seeds(values).half == pytest.approx(0.0, abs=1e-12)


def test_the_interval_is_student_s() -> None:
    found = over_seeds(np.array([[1.0, 2.0, 3.0]]))
    assert found.half == pytest.approx(4.3027 * 1.0 / np.sqrt(3), abs=1e-3)


def test_pairs_take_away_what_seeds_have_in_common() -> None:
    theirs = np.array([[0.2, 0.5, 0.8], [0.3, 0.6, 0.9]])
    found = paired(theirs + 0.01, theirs)
    assert found.ahead.mean == pytest.approx(0.01)
    assert found.ahead.half == pytest.approx(0.0, abs=1e-9)
    assert (found.won, found.tied, found.runs) == (6, 0, 6)


def test_a_tie_is_not_won() -> None:
    found = paired(np.array([[0.5, 0.6, 0.4]]), np.array([[0.5 + 1e-12, 0.5, 0.5]]))
    assert (found.won, found.tied, found.runs) == (1, 1, 3)


@pytest.mark.parametrize(("ahead", "loses"), [([-0.02, -0.03, -0.02], True), ([-0.02, 0.01, -0.02], False)])
def test_a_loss_is_an_interval_below_zero(ahead: list[float], *, loses: bool) -> None:
    assert paired(np.array([ahead]), np.zeros((1, 3))).loses is loses
