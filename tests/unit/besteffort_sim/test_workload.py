from __future__ import annotations

import numpy as np
import pytest

from besteffort_sim.errors import SimulationError
from besteffort_sim.workload import (
    BATCH_NOISE,
    Bursts,
    Drift,
    Gamma,
    Lengths,
    Mix,
    Poisson,
    Renewals,
    Traffic,
    arrivals_within,
    build_workload,
    draw_arrivals,
    scaled_trace,
)

BURSTS = Bursts(20.0, 200.0, low_s=4.0, high_s=2.0)
RENEWALS = Renewals(50.0, epoch_s=0.5)


@pytest.mark.parametrize(
    ("traffic", "mean_rps"),
    [(Poisson(50.0), 50.0), (BURSTS, 80.0), (Gamma(50.0, cv=0.5, epoch_s=0.5), 50.0), (RENEWALS, 50.0)],
)
def test_arrivals_ascend_at_the_wanted_mean_rate(traffic: Traffic, mean_rps: float) -> None:
    arrival_s = draw_arrivals(traffic, 200_000, np.random.default_rng(0))
    assert arrival_s.size == 200_000
    assert (np.diff(arrival_s) >= 0).all()
    assert arrival_s.size / arrival_s[-1] == pytest.approx(mean_rps, rel=0.05)


def test_bursts_have_both_rates() -> None:
    arrival_s = draw_arrivals(BURSTS, 50_000, np.random.default_rng(0))
    per_second = np.bincount(arrival_s.astype(int))
    assert np.median(per_second) < 30
    assert np.percentile(per_second, 90) > 150


def test_clustered_epochs_have_the_wanted_spread_of_gaps_and_the_rest_none_of_it() -> None:
    for share, gap_cv in ((1.0, 4.0), (0.0, 1.0)):
        traffic = Renewals(100.0, cv=0.01, epoch_s=50.0, clustered=share, spikes=0.0)
        gaps = np.diff(draw_arrivals(traffic, 200_000, np.random.default_rng(0)))
        assert gaps.std() / gaps.mean() == pytest.approx(gap_cv, rel=0.1)


def test_a_spike_has_so_many_times_the_mean_rate() -> None:
    traffic = Renewals(100.0, cv=0.01, epoch_s=10.0, clustered=0.0)
    per_second = np.bincount(draw_arrivals(traffic, 500_000, np.random.default_rng(0)).astype(int))
    assert (per_second > 400).mean() == pytest.approx(0.05, abs=0.02)
    assert np.median(per_second[per_second > 500]) == pytest.approx(600.0, rel=0.05)


def test_arrivals_within_a_time_are_the_first_of_the_same_process() -> None:
    within = arrivals_within(RENEWALS, 20.0, np.random.default_rng(5))
    assert within[-1] < 20.0
    longer = draw_arrivals(RENEWALS, within.size + 100, np.random.default_rng(5))
    assert np.array_equal(within, longer[: within.size])
    assert longer[within.size] >= 20.0


def test_nothing_may_arrive_within_a_time() -> None:
    load = build_workload(np.empty(0), 2, 0.1, np.random.default_rng(0), drift=Drift(), lengths=Lengths())
    assert [column.size for column in load] == [0] * len(load)


def test_a_trace_is_played_from_zero_and_faster() -> None:
    assert scaled_trace([12.0, 10.0, 14.0], 2.0).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(("times", "factor"), [([], 1.0), ([1.0, float("nan")], 1.0), ([1.0], 0.0), ([1.0], -1.0)])
def test_a_trace_that_makes_no_sense_is_refused_in_one_sentence(times: list[float], factor: float) -> None:
    with pytest.raises(SimulationError, match=r"^trace: [^.]*$|^trace: the rate factor"):
        scaled_trace(times, factor)


def test_the_mix_of_tasks_drifts_only_when_asked() -> None:
    arrival_s = np.linspace(0.0, 100.0, 20_000)
    rng = np.random.default_rng(0)
    even, drifting = (build_workload(arrival_s, 4, 0.4, rng, drift=drift) for drift in (None, Drift(epoch_s=10.0)))
    shares = [np.bincount(load.task[:2000], minlength=4) / 2000 for load in (even, drifting)]
    assert shares[0] == pytest.approx([0.25] * 4, abs=0.05)
    assert np.abs(shares[1] - 0.25).max() > 0.1
    assert set(drifting.task) == {0, 1, 2, 3}


def test_a_mix_is_kept() -> None:
    load = build_workload(
        np.linspace(0.0, 50.0, 20_000), 3, 0.4, np.random.default_rng(0), drift=Mix((0.85, 0.1, 0.05))
    )
    assert np.bincount(load.task) / 20_000 == pytest.approx([0.85, 0.1, 0.05], abs=0.01)


def test_lengths_lie_in_their_ranges_and_the_router_expects_the_mean() -> None:
    lengths = Lengths(prompt=(100, 200), output=(16, 64), generating=0.25)
    load = build_workload(np.zeros(50_000), 1, 0.4, np.random.default_rng(0), lengths=lengths)
    assert (load.units.min(), load.units.max()) == (100, 200)
    generated = load.output[load.output > 0]
    assert generated.size / 50_000 == pytest.approx(0.25, abs=0.01)
    assert (generated.min(), generated.max()) == (16, 64)
    assert set(load.steps[load.output > 0]) == {40.0}
    assert set(load.steps[load.output == 0]) == {0.0}


def test_without_lengths_a_request_is_one_unit_that_one_pass_answers() -> None:
    load = build_workload(np.zeros(3), 1, 0.4, np.random.default_rng(0))
    assert load.units.tolist() == [1, 1, 1]
    assert load.output.tolist() == load.router.tolist() == [0, 0, 0]
    assert load.steps.tolist() == [0.0, 0.0, 0.0]
    assert load.difficulty.size == 0


def test_noise_keeps_the_mean_of_the_work() -> None:
    load = build_workload(np.zeros(100_000), 1, 0.4, np.random.default_rng(0))
    assert load.noise.mean() == pytest.approx(1.0, abs=0.002)
    assert np.log(load.noise).std() == pytest.approx(BATCH_NOISE, rel=0.02)


def test_one_seed_makes_one_workload() -> None:
    def drawn(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return np.concatenate([*build_workload(draw_arrivals(BURSTS, 500, rng), 3, 0.4, rng, drift=Drift())])

    assert np.array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))
