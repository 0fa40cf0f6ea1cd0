from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from besteffort_study import catalogue
from besteffort_study.catalogue import (
    FAMILIES,
    TEST_SEEDS,
    TUNING_SEEDS,
    UNIT_SEEDS,
    UNPREDICTABLE,
    VALIDATION_SEEDS,
    azure_trace_s,
    draw_workload,
)
from besteffort_study.errors import StudyError
from besteffort_study.scenarios import scenario

SC = scenario("SC")


def counts(family: str, seed: int, rate_rps: float = 500.0) -> np.ndarray:
    """Arrivals in each tenth of a second."""
    arrival_s = draw_workload(SC, family, rate_rps, seed).arrival_s
    return np.bincount((10.0 * arrival_s).astype(int), minlength=600)


@pytest.mark.parametrize("family", FAMILIES)
def test_arrivals_ascend_within_a_minute_at_the_wanted_mean_rate(family: str) -> None:
    loads = [draw_workload(SC, family, 100.0, seed) for seed in range(60)]
    assert all((np.diff(load.arrival_s) >= 0).all() and load.arrival_s[-1] < 60.0 for load in loads)
    assert np.mean([load.arrival_s.size / 60.0 for load in loads]) == pytest.approx(100.0, rel=0.15)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_workload_follows_from_its_name_and_seed_alone(family: str) -> None:
    first, again, other = (draw_workload(SC, family, 50.0, seed) for seed in (7, 7, 8))
    for column, same in zip(first, again, strict=True):
        assert np.array_equal(column, same)
    assert not np.array_equal(first.arrival_s[:100], other.arrival_s[:100])


def test_seeds_for_tuning_picking_and_testing_never_meet() -> None:
    ranges = sorted((TEST_SEEDS, VALIDATION_SEEDS, TUNING_SEEDS, UNIT_SEEDS), key=lambda seeds: seeds.start)
    assert all(before.stop <= after.start for before, after in pairwise(ranges))


def test_what_is_unpredictable_is_burstier_than_poisson() -> None:
    def unevenness(family: str) -> float:
        return float(np.mean([counts(family, seed).std() / counts(family, seed).mean() for seed in range(5)]))

    steady = unevenness("poisson")
    assert steady == pytest.approx(1 / np.sqrt(50.0), rel=0.1)
    assert all(unevenness(family) > 3 * steady for family in ("maf", "mmpp", "azure"))
    assert len(UNPREDICTABLE) == 11


def test_two_states_have_both_their_rates_and_either_may_come_first() -> None:
    per_tenth = np.concatenate([counts("mmpp", seed, 1000.0) for seed in range(10)])
    assert (per_tenth > 250).mean() == pytest.approx(0.2, abs=0.08)
    assert np.median(per_tenth) == pytest.approx(40.0, abs=5.0)
    first = [counts("mmpp", seed, 1000.0)[0] > 200 for seed in range(40)]
    assert 0 < sum(first) < 20


def test_the_mean_of_a_part_of_the_trace_is_the_wanted_one() -> None:
    assert np.mean([counts("azure", seed).sum() / 60.0 for seed in range(5)]) == pytest.approx(500.0, rel=0.01)


def test_the_trace_is_whole() -> None:
    trace_s = azure_trace_s()
    assert trace_s.size == 8819
    assert (np.diff(trace_s) >= 0).all()
    assert trace_s[-1] == pytest.approx(57.3 * 60, abs=5.0)


def test_a_trace_is_played_ten_times_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    trace_s = np.concatenate([np.arange(0.0, 400.0, 0.5), np.arange(400.0, 800.0, 0.05)])
    monkeypatch.setattr(catalogue, "azure_trace_s", lambda: trace_s)
    load = draw_workload(SC, "azure", 500.0, 0, duration_s=79.0)
    before = (load.arrival_s < 39.0).sum()
    assert before / load.arrival_s.size == pytest.approx(1 / 11, abs=0.02)


@pytest.mark.parametrize(("end_s", "says"), [(5.0, "it lasts 5 s; 600 s are needed"), (7000.0, "it has a gap")])
def test_a_trace_without_such_a_part_is_refused(end_s: float, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "azure_trace_s", lambda: np.array([0.0, end_s]))
    with pytest.raises(StudyError, match=says):
        draw_workload(SC, "azure", 10.0, 0)


@pytest.mark.parametrize("family", ["weibull", "trace"])
def test_a_family_that_there_is_not_is_refused_with_those_that_there_are(family: str) -> None:
    with pytest.raises(StudyError, match=r"is not one of poisson, maf, mmpp, azure$"):
        draw_workload(SC, family, 10.0, 0)


def test_a_request_has_the_deadline_of_its_kind() -> None:
    load = draw_workload(scenario("MX"), "poisson", 200.0, 0)
    assert set(load.deadline_s[load.output == 0]) == {0.1}
    assert set(load.deadline_s[load.output > 0]) == {1.5}
    assert (load.output > 0).mean() == pytest.approx(0.5, abs=0.02)
    assert set(load.noise) == {1.0}


def test_a_shift_keeps_the_arrivals() -> None:
    shifted = draw_workload(scenario("SC+long"), "maf", 100.0, 3)
    assert np.array_equal(shifted.arrival_s, draw_workload(SC, "maf", 100.0, 3).arrival_s)
    assert shifted.units.min() >= 300
