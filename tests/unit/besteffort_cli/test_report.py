from __future__ import annotations

import math

import pytest
from scipy import stats

from besteffort_cli.record import Outcome, Record
from besteffort_cli.report import interval, paired_ratio, summarise


def record(outcome: Outcome, **more: object) -> Record:
    answered = outcome in {Outcome.IN_TIME, Outcome.LATE}
    return Record(
        **{"offset_s": 0.0, "task": "t", "outcome": outcome, "latency_s": 0.1, "lag_s": 0.0, "answered": answered}
        | more
    )  # type: ignore[arg-type]


RECORDS = [
    record(Outcome.IN_TIME, right=True, size="large", quality=0.8, latency_s=0.2),
    record(Outcome.IN_TIME, right=True, size="small", quality=0.4, latency_s=0.1),
    record(Outcome.IN_TIME, right=False, size="small", quality=0.4, latency_s=0.1),
    record(Outcome.LATE, right=True, size="large", quality=0.8, latency_s=0.5),
    record(Outcome.LATE, answered=False, latency_s=9.0),
    record(Outcome.REFUSED, latency_s=9.0),
    record(Outcome.FAILED, latency_s=9.0),
    record(Outcome.CANCELLED, latency_s=9.0),
]


def test_the_outcomes_add_up_to_what_was_offered() -> None:
    summary = summarise(RECORDS)
    assert (summary.in_time, summary.late, summary.refused, summary.failed, summary.cancelled) == (3, 2, 1, 1, 1)
    assert summary.offered == 8


def test_shares_and_rewards_are_what_their_names_say() -> None:
    summary = summarise(RECORDS)
    assert summary.availability == pytest.approx(3 / 7)
    assert summary.mean_quality == pytest.approx(2 / 3)
    assert summary.reward == pytest.approx(2 / 7)
    assert summary.expected_reward == pytest.approx(1.6 / 7)
    assert summary.size_shares == {"large": pytest.approx(1 / 3), "small": pytest.approx(2 / 3)}


def test_a_replay_cut_short_is_judged_by_what_was_not_cancelled() -> None:
    cut = summarise([*RECORDS, *[record(Outcome.CANCELLED)] * 500])
    assert (cut.offered, cut.cancelled) == (508, 501)
    assert cut.availability == summarise(RECORDS).availability
    assert summarise([record(Outcome.CANCELLED)]).availability == 0


def test_what_was_not_sent_does_not_hide_a_slow_sender() -> None:
    sent = [record(Outcome.IN_TIME, lag_s=0.3)]
    assert summarise(sent + [record(Outcome.CANCELLED)] * 999).lag_p99_s == 0.3


def test_latencies_are_those_of_answers_only() -> None:
    summary = summarise(RECORDS)
    assert summary.p50_s == pytest.approx(0.15)
    assert summary.p99_s < 0.5


def test_no_requests_give_zeros() -> None:
    summary = summarise([])
    assert (summary.offered, summary.availability, summary.reward, summary.p99_s, summary.lag_p99_s) == (0,) * 5


@pytest.mark.parametrize("rounds", [2, 3, 5, 31, 40])
def test_the_interval_is_that_of_students_t(rounds: int) -> None:
    values = [math.sin(i) for i in range(rounds)]
    low, high = stats.t.interval(0.95, rounds - 1, loc=sum(values) / rounds, scale=stats.sem(values))
    found = interval(values)
    assert found.mean - found.half == pytest.approx(low, rel=2e-3)
    assert found.mean + found.half == pytest.approx(high, rel=2e-3)


def test_one_round_has_no_interval() -> None:
    assert interval([0.5]).half == math.inf


def test_the_ratio_pairs_rounds() -> None:
    ratio = paired_ratio([2.0, 20.0, 200.0], [1.0, 10.0, 100.0])
    assert ratio == pytest.approx((2.0, 2.0, 2.0))


def test_the_ratio_of_swapped_policies_is_the_inverse() -> None:
    forward, back = paired_ratio([2.0, 3.0], [1.0, 2.0]), paired_ratio([1.0, 2.0], [2.0, 3.0])
    assert forward is not None
    assert back is not None
    assert [1 / back[0], 1 / back[2], 1 / back[1]] == pytest.approx(list(forward))


def test_there_is_no_ratio_to_nothing() -> None:
    assert paired_ratio([1.0], [0.0]) is None
