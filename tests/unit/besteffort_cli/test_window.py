from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from besteffort_cli.errors import InputError
from besteffort_cli.trace import poisson, read_trace
from besteffort_cli.window import LONGEST_GAP_S, Levels, choose_window, levels

CAPACITIES = {"small": 800.0, "medium": 180.0, "large": 35.0}
SAMPLE = Path(__file__).parents[3] / "examples" / "demo" / "trace.csv"


def most_within(arrivals_s: np.ndarray, seconds: float) -> int:
    return int((np.searchsorted(arrivals_s, arrivals_s + seconds) - np.arange(len(arrivals_s))).max())


def test_levels_come_from_the_capacities() -> None:
    assert levels(CAPACITIES, 350.0) == Levels(35.0, 180.0, 270.0, 350.0)


def test_the_peak_is_the_least_of_cap_smallest_size_and_twice_the_middle() -> None:
    assert levels({"s": 400.0, "m": 180.0, "l": 35.0}, 350.0).peak == pytest.approx(280.0)
    assert levels({"s": 800.0, "m": 100.0, "l": 35.0}, 350.0).peak == pytest.approx(200.0)
    assert levels({"s": 800.0, "m": 180.0, "l": 35.0}, 300.0).peak == pytest.approx(300.0)


def test_a_burst_stays_within_reach_when_the_cap_is_low() -> None:
    found = levels({"s": 4000.0, "m": 900.0, "l": 35.0}, 350.0)
    assert found.burst < found.peak


@pytest.mark.parametrize("capacities", [{}, {"one": 10.0}, {"one": 0.0, "two": 10.0}])
def test_capacities_that_leave_no_choice_are_refused(capacities: dict[str, float]) -> None:
    with pytest.raises(InputError, match="at least two sizes with positive capacities"):
        levels(capacities, 350.0)


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.4])
@pytest.mark.parametrize("length_s", [15.0, 20.0])
def test_the_sample_has_lulls_and_bursts_for_the_demo_pool_on_slower_and_faster_machines(
    speed: float, length_s: float
) -> None:
    window = choose_window(
        read_trace(SAMPLE), {size: speed * rps for size, rps in CAPACITIES.items()}, length_s=length_s
    )
    assert window.lull_share >= 0.2
    assert window.burst_share >= 0.15
    assert window.over_share >= 0.25
    assert window.sustained_rps >= 1.5 * window.levels.over * 0.75
    assert window.peak_rps <= window.levels.peak


def test_nowhere_is_the_peak_exceeded() -> None:
    window = choose_window(read_trace(SAMPLE), CAPACITIES, length_s=15.0, cap_rps=300.0)
    assert most_within(window.arrivals_s, 1.0) <= 301


def test_the_arrivals_of_the_window_stay_in_order_none_is_lost_and_gaps_are_bounded() -> None:
    trace_s = read_trace(SAMPLE)
    window = choose_window(trace_s, CAPACITIES, length_s=15.0)
    first = int(np.searchsorted(trace_s, window.start_s))
    raw_s = (trace_s[first : first + len(window.arrivals_s)] - trace_s[first]) / window.factor
    gaps_s = np.diff(window.arrivals_s)
    assert (gaps_s >= 0).all()
    assert gaps_s.max() <= LONGEST_GAP_S + 1e-9
    alone = (np.diff(raw_s, prepend=-1)[1:-1] > 0.5) & (np.diff(raw_s)[1:] > 0.5)
    assert (np.diff(window.arrivals_s)[:-1][alone] > 0.4).all()
    assert window.arrivals_s[0] >= 0
    assert window.arrivals_s[-1] < 15.0


def test_the_same_trace_gives_the_same_window() -> None:
    trace_s = read_trace(SAMPLE)
    first, second = (choose_window(trace_s, CAPACITIES, length_s=15.0) for _ in range(2))
    assert (first.start_s, first.factor) == (second.start_s, second.factor)
    assert (first.arrivals_s == second.arrivals_s).all()


def test_a_trace_that_is_too_short_is_refused() -> None:
    with pytest.raises(InputError, match="too short for a window of 15 s"):
        choose_window(poisson(rate_rps=1.0, length_s=10.0, seed=0), CAPACITIES, length_s=15.0)


def test_the_sentence_names_what_was_chosen() -> None:
    window = choose_window(read_trace(SAMPLE), CAPACITIES, length_s=15.0)
    said = window.sentence()
    for part in (f"{len(window.arrivals_s)} requests in 15 s", "times as fast", "mean", "peak", "35/s", "180/s"):
        assert part in said


def test_the_sentence_says_when_the_load_generator_cannot_reach_the_middle_size() -> None:
    fast = {"small": 4000.0, "medium": 900.0, "large": 200.0}
    assert "raise --peak-rps above 900" in choose_window(read_trace(SAMPLE), fast, length_s=15.0).sentence()
    assert "--peak-rps" not in choose_window(read_trace(SAMPLE), CAPACITIES, length_s=15.0).sentence()
