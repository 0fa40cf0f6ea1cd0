from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from gap.meter import Work, alone_s, since, slowness, together
from gap.processor import busy_s

BATCH_S = np.array([[0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 2.0, np.inf]])
"""Profiled, of two sizes; batches of the second have two requests at most."""


def work(busy_s: tuple[float, float], batches: list[list[int]], answered: tuple[int, int]) -> Work:
    return Work(np.array(busy_s), np.array(batches), np.array(answered))


def test_slowness_is_processor_over_profiled_seconds_of_the_batches_that_ran() -> None:
    done = work((6.0, 12.0), [[0, 10, 5, 0], [0, 2, 3, 0]], (20, 8))
    np.testing.assert_allclose(slowness(done, done, BATCH_S), [3.0, 1.5])


def test_requests_that_were_cancelled_made_their_batches_smaller() -> None:
    done = work((6.0, 0.0), [[0, 0, 15, 0], [0, 0, 0, 0]], (15, 0))
    assert slowness(done, done, BATCH_S)[0] == pytest.approx(6.0 / (15 * 0.1))


def test_a_size_with_little_work_in_a_turn_counts_as_in_all_turns_and_one_without_any_as_profiled() -> None:
    little = work((0.9, 0.0), [[0, 1, 0, 0], [0, 0, 0, 0]], (1, 0))
    much = work((20.0, 0.0), [[0, 99, 0, 0], [0, 0, 0, 0]], (99, 0))
    np.testing.assert_allclose(slowness(little, together([little, much]), BATCH_S), [20.9 / 10.0, 1.0])


def test_what_was_done_between_two_readings_is_their_difference() -> None:
    before = work((1.0, 5.0), [[0, 1, 0, 0], [0, 4, 0, 0]], (1, 4))
    found = since(before, work((1.5, 5.0), [[0, 3, 0, 0], [0, 4, 0, 0]], (3, 4)))
    assert alone_s(found) == pytest.approx(0.25)
    assert found.answered.tolist() == [2, 0]


def test_the_seconds_of_a_process_are_its_own_and_those_of_its_children_ended_ones_too() -> None:
    before_s, burn = busy_s(os.getpid()), "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert 0.45 < busy_s(os.getpid()) - before_s < 0.9
