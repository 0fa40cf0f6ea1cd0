"""The simulator against an independent one, vidur, whose latencies are committed."""

from __future__ import annotations

import numpy as np
import pytest
from cross_check import APART, TOLERANCE_S, compare, latencies

LATENCIES = latencies()


@pytest.mark.parametrize("case", sorted(set(LATENCIES) - {APART}))
def test_every_request_takes_as_long_as_in_vidur(case: str) -> None:
    ours, theirs = LATENCIES[case]
    assert ours.size == 400
    assert np.abs(ours - theirs).max() <= TOLERANCE_S


def test_with_a_small_cache_the_latencies_are_those_of_vidur_within_a_tenth() -> None:
    """What is done when the cache is full differs: vidur reads a prompt again, here a request waits at first."""
    ours, theirs = LATENCIES[APART]
    found = compare(ours, theirs)
    assert found["ours"] == pytest.approx(found["vidur"], rel=0.1)
    assert found["apart_s"] > TOLERANCE_S
