from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.errors import PoolError
from besteffort_core.latency import (
    applied,
    batch_table,
    candidates,
    corrected,
    cut_off,
    faded,
    next_token_s,
    request_s,
    work_s,
)
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.pool import BackendSpec, Decode, Generation, SizeSpec, build_pool
from support.pools import snapshot

REQUEST = Request(task=0, deadline_s=1.0)


def finish_s(pool: Pool, seen: Snapshot, backend: int, request: Request = REQUEST) -> float:
    return float(candidates(request, pool, seen).finish_s[backend])


def backlog_s(pool: Pool, seen: Snapshot, backend: int) -> float:
    return float(candidates(REQUEST, pool, seen).backlog_s[backend])


def test_a_batch_between_two_measured_ones_is_interpolated() -> None:
    assert batch_table({1: 0.1, 3: 0.3}).tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_a_larger_batch_never_takes_less_time() -> None:
    assert batch_table({1: 0.2, 2: 0.1, 4: 0.4}).tolist() == pytest.approx([0.0, 0.2, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("points", [{}, {0: 0.1}, {1: 0.0}, {1: -1.0}, {1: float("nan")}, {2: float("inf")}])
def test_a_latency_table_without_sense_is_refused(points: dict[int, float]) -> None:
    with pytest.raises(PoolError, match="positive seconds"):
        batch_table(points)


def test_work_is_counted_in_the_fullest_batches(pool: Pool) -> None:
    assert work_s(pool, 2, 0) == 0.0
    assert work_s(pool, 2, 8) == pytest.approx(0.2)
    assert work_s(pool, 2, 17) == pytest.approx(0.2 + 0.2 + 0.05)
    assert request_s(pool, 2) == pytest.approx(0.025)


def test_a_neighbour_delays_by_its_own_work_but_not_by_more_than_mine(pool: Pool) -> None:
    busy_large = snapshot([0, 0, 8])
    assert finish_s(pool, busy_large, 0) == pytest.approx(2 * 0.001)
    busy_small = snapshot([8, 0, 0])
    assert finish_s(pool, busy_small, 2) == pytest.approx(0.05 + 0.004)


def on_devices(pool: Pool, devices: int) -> Pool:
    """One backend on each."""
    return pool._replace(device_of=np.arange(devices), hosted=np.arange(devices).reshape(-1, 1))


def test_backends_on_other_devices_do_not_delay(pool: Pool) -> None:
    apart = on_devices(pool, 3)
    assert finish_s(apart, snapshot([8, 8, 8]), 0) == pytest.approx(work_s(pool, 0, 9))
    assert backlog_s(apart, snapshot([8, 8, 8]), 2) == pytest.approx(0.2)


def test_the_correction_scales_what_is_predicted(pool: Pool, idle: Snapshot) -> None:
    doubled = idle._replace(correction=np.array([1.0, 1.0, 2.0]))
    assert finish_s(pool, doubled, 2) == pytest.approx(2 * finish_s(pool, idle, 2))


def test_the_candidate_of_a_size_is_its_ready_backend_with_the_least_finish(pool: Pool) -> None:
    two_large = on_devices(pool, 3)._replace(size_of=np.array([0, 2, 2]))
    found = candidates(REQUEST, two_large, snapshot([0, 5, 1]))
    assert found.backend.tolist() == [0, -1, 2]
    assert found.finish_s[1] > found.finish_s[2]
    without = candidates(REQUEST, two_large, snapshot([0, 5, 1], ready=(True, True, False)))
    assert without.backend.tolist() == [0, -1, 1]
    assert without.finish_s[2] == np.inf


def learned_correction(ratio: float) -> float:
    correction, weight_s = 1.0, 0.0
    for _ in range(500):
        correction, weight_s = corrected(correction, weight_s, 0.1, 0.1 * ratio)
    return correction


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_wrong_profile_is_corrected(ratio: float) -> None:
    assert learned_correction(ratio) == pytest.approx(ratio, rel=0.02)


def test_a_noisy_profile_is_estimated_above_its_middle() -> None:
    rng = np.random.default_rng(0)
    correction, weight_s, seen = 1.0, 0.0, []
    for noise in np.exp(rng.normal(0.0, 0.5, 5000)):
        correction, weight_s = corrected(correction, weight_s, 0.1, 0.1 * noise)
        seen.append(correction)
    assert 1.05 < np.median(seen) < 1.6


def test_answers_that_were_under_way_do_not_correct_twice() -> None:
    """A hundred requests are decided before the first answer says that all take twice as long."""
    correction, weight_s = 1.0, 0.0
    for _ in range(100):
        correction, weight_s = corrected(correction, weight_s, 0.1, 0.2)
        assert correction <= 2.0
    assert correction > 1.9


def test_one_absurd_answer_moves_the_estimate_little() -> None:
    assert corrected(1.0, 0.0, 0.1, 1e9)[0] < 1.2
    assert corrected(1.0, 0.0, 0.1, 0.0)[0] > 0.9


def test_errors_of_single_predictions_cancel() -> None:
    rng = np.random.default_rng(1)
    correction, weight_s, seen = 1.0, 0.0, []
    for profiled_s in rng.uniform(0.01, 0.09, 5000):
        correction, weight_s = corrected(correction, weight_s, profiled_s, profiled_s + rng.choice([-0.005, 0.005]))
        seen.append(correction)
    assert np.mean(seen) == pytest.approx(1.0, abs=0.01)


def test_what_may_be_an_error_of_prediction_is_not_applied_and_what_is_applied_is_biased_upward() -> None:
    assert [applied(correction) for correction in (0.95, 1.0, 1.1)] == [1.0, 1.0, 1.0]
    assert applied(2.0) == pytest.approx(2.0)
    assert 0.5 < applied(0.5) < 0.65
    found = [applied(correction) for correction in np.geomspace(0.25, 8.0, 200)]
    assert found == sorted(found)


@pytest.mark.parametrize("most", [32, 40, 52, 64])
def test_lengths_are_learned_about_right_whatever_is_cut_off(most: int) -> None:
    """Outputs of 16 to 64 tokens, 40 in the mean, of which no more come than `most`."""
    length, weight, seen = 1.0, 0.0, []
    for tokens in np.random.default_rng(2).integers(16, 65, 4000).astype(float):
        observed = tokens if tokens <= most else cut_off(float(most), 40.0 * length)
        if observed > 0.0:
            length, weight = corrected(length, weight, 40.0, observed)
        seen.append(length)
    assert 0.98 < np.mean(seen[500:]) < 1.2


def test_a_correction_that_nothing_confirms_fades() -> None:
    assert faded(4.0, 0.0) == 4.0
    assert faded(4.0, 1e6) == pytest.approx(1.0)
    assert faded(0.5, 1e6) == pytest.approx(1.0)
    assert 1.0 < faded(4.0, 120.0) < 2.0


def test_a_correction_scales_a_prediction_that_holds_no_other_correction(pool: Pool) -> None:
    busy = snapshot([3, 0, 3])
    plain = finish_s(pool, busy, 2)
    assert finish_s(pool, busy._replace(correction=np.array([5.0, 5.0, 2.0])), 2) == pytest.approx(2 * plain)


def test_in_turns_all_that_is_in_flight_on_the_device_goes_first(pool: Pool) -> None:
    """A lone request of the small size takes 1 ms; eight of the large one are ahead, of which 50 ms are done."""
    turns = pool._replace(turns=True)
    busy = snapshot([0, 0, 8])
    assert finish_s(turns, busy, 0) == pytest.approx(0.2 + 0.001)
    assert finish_s(turns, busy._replace(progress_s=np.array([0.05])), 0) == pytest.approx(0.15 + 0.001)
    assert backlog_s(turns, busy._replace(progress_s=np.array([0.05])), 0) == pytest.approx(0.15)


def test_progress_never_promises_less_than_the_request_takes_alone(pool: Pool) -> None:
    late = snapshot([0, 0, 1])._replace(progress_s=np.array([9.0]))
    assert finish_s(pool._replace(turns=True), late, 2) == pytest.approx(0.05)
    assert backlog_s(pool._replace(turns=True), late, 2) == 0.0


def test_what_runs_can_no_longer_be_joined(pool: Pool) -> None:
    """Two requests would end together in one batch; one that comes while the other runs begins when that has ended."""
    turns, one = pool._replace(turns=True), snapshot([0, 0, 1])
    together = work_s(pool, 2, 2)
    assert finish_s(turns, one, 2) == pytest.approx(together)
    running = one._replace(running=np.array([0, 0, 1]), progress_s=np.array([0.02]))
    assert finish_s(turns, running, 2) == pytest.approx(work_s(pool, 2, 1) - 0.02 + work_s(pool, 2, 1))
    assert backlog_s(turns, running, 2) == pytest.approx(work_s(pool, 2, 1) - 0.02)


def test_a_long_prompt_takes_as_many_units_and_costs_its_share_of_the_fullest_batch(pool: Pool, idle: Snapshot) -> None:
    found = candidates(Request(0, 1.0, units=6), pool, idle)
    assert found.finish_s.tolist() == pytest.approx([work_s(pool, size, 6) for size in range(3)])
    assert found.cost_s.tolist() == pytest.approx([6 * 0.004 / 8, 6 * 0.04 / 8, 6 * 0.2 / 8])


def generating() -> Pool:
    """1 ms for an iteration and 1 us for a unit, two sequences at most, four tokens for a prompt of eight."""
    table = {units: 0.001 + 1e-6 * units for units in range(1, 65)}
    decode = Decode(max_sequences=2, max_context=1000, sequence_s=1e-5, context_s=1e-7)
    sizes, generation = [SizeSpec("only", 0.5, {}, table, decode)], Generation(prompt=8.0, output=4.0)
    return build_pool((), sizes, [BackendSpec("only", "gpu")], turns=True, generation=generation)


def test_between_two_tokens_lies_an_iteration_with_the_prompts_that_join_in_the_mean() -> None:
    """Of n sequences n / 4 bring a prompt of 8 units, and each holds 8 + 2 tokens in the mean; the third waits."""
    one, two = (0.001 + 1e-6 * 3 * n + 1e-5 * n + 1e-7 * 10 * n for n in (1, 2))
    assert [next_token_s(generating(), 0, n, 1.0) for n in range(4)] == pytest.approx([0.0, one, two, 1.5 * two])


def test_longer_outputs_mean_fewer_prompts_to_read_and_more_to_keep() -> None:
    """Outputs twice as long: of two sequences 2 / 8 bring a prompt of 8 units, and each holds 8 + 4 tokens."""
    longer = 0.001 + 1e-6 * 4 + 1e-5 * 2 + 1e-7 * 12 * 2
    assert next_token_s(generating(), 0, 2, 2.0) == pytest.approx(longer)
    seen = snapshot([1])._replace(units=np.array([0]), decoding=np.array([1]), length=2.0)
    found = candidates(Request(0, 9.0, units=8, steps=8.0), generating(), seen)
    assert found.finish_s[0] == pytest.approx(8 * longer)
    assert found.backlog_s[0] == pytest.approx(0.5 * 8 * next_token_s(generating(), 0, 1, 2.0))


def test_a_generation_is_predicted_to_take_a_step_for_each_expected_token() -> None:
    pool = generating()
    seen = snapshot([1])._replace(units=np.array([0]), decoding=np.array([1]))
    request = Request(0, 9.0, units=8, steps=4.0)
    found = candidates(request, pool, seen)
    assert found.finish_s[0] == pytest.approx(4 * next_token_s(pool, 0, 2, 1.0))
    assert found.cost_s[0] == pytest.approx(4 * (next_token_s(pool, 0, 2, 1.0) - next_token_s(pool, 0, 1, 1.0)))
    assert found.backlog_s[0] == pytest.approx(0.5 * 4 * next_token_s(pool, 0, 1, 1.0))


def test_what_one_pass_answers_waits_for_the_iteration_of_those_that_decode() -> None:
    pool = generating()
    seen = snapshot([1])._replace(units=np.array([0]), decoding=np.array([1]))
    expected_s = work_s(pool, 0, 8) + next_token_s(pool, 0, 1, 1.0)
    assert finish_s(pool, seen, 0, Request(0, 9.0, 8)) == pytest.approx(expected_s)
