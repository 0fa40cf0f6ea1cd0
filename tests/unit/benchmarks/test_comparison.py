from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gap.comparison import Policy, compare, inverted, standard_error

from besteffort_cli.record import Outcome, Record
from besteffort_sim.model import ANSWERED, EXPIRED, Log

RNG = np.random.default_rng(3)


def policy(live: float, simulated: float, spread: float = 0.01) -> Policy:
    noise = RNG.normal(0.0, spread, 2000)
    return Policy(live + noise, simulated + noise[::-1], (0.1, 0.2), (0.1, 0.2), {})


def record(latency_s: float, quality: float, outcome: Outcome = Outcome.IN_TIME) -> Record:
    return Record(0.0, "t", outcome, latency_s, 0.0, answered=True, size="s", quality=quality)


def log(latency_s: list[float], reward: list[float], outcome: list[int]) -> Log:
    values = {name: np.empty(0) for name in Log._fields}
    found = {"latency_s": np.array(latency_s), "reward": np.array(reward), "outcome": np.array(outcome, dtype=np.int8)}
    return Log(**values | found | {"size": np.zeros(len(outcome), dtype=np.int64)})


def test_policies_that_change_places_are_told() -> None:
    assert inverted({"a": policy(0.6, 0.5), "b": policy(0.5, 0.6)}) == ["a and b"]
    assert inverted({"a": policy(0.6, 0.7), "b": policy(0.5, 0.6)}) == []


@pytest.mark.parametrize(("live", "simulated"), [(0.5, 0.6), (0.501, 0.4)])
def test_policies_within_the_noise_are_tied_whatever_their_order(live: float, simulated: float) -> None:
    ahead, behind = policy(live, simulated, spread=1.0), policy(0.5, 0.5, spread=1.0)
    assert inverted({"a": ahead, "b": behind}) == []


def test_what_fails_in_a_burst_is_no_independent_evidence() -> None:
    alternating = np.tile([0.0, 1.0], 500)
    assert standard_error(np.sort(alternating)) > 5 * standard_error(alternating)


def test_only_answers_in_time_have_a_worth_and_a_latency() -> None:
    rounds = [[record(0.1, 0.8), record(0.3, 0.8), record(9.0, 0.8, Outcome.LATE), record(0.0, 0.0, Outcome.REFUSED)]]
    logs = [log([0.2, 0.4, np.inf, np.inf], [0.8, 0.8, 0.0, 0.0], [ANSWERED, ANSWERED, EXPIRED, EXPIRED])]
    found = compare({"a": rounds}, {"a": logs}, ("s",))["a"]
    assert found.gap == pytest.approx(0.0)
    assert found.live_s[0] == pytest.approx(0.2)
    assert found.latency_gaps[0] == pytest.approx(0.5)


def test_medians_are_told_of_each_size_that_answered_often_enough() -> None:
    records = [record(0.1, 0.8)] * 300 + [replace(record(0.3, 0.8), size="t")] * 100
    one = log([0.2] * 300 + [0.3] * 100, [0.8] * 400, [ANSWERED] * 400)
    logs = [one._replace(size=np.repeat([0, 1], [300, 100]))]
    assert compare({"a": [records]}, {"a": logs}, ("s", "t"))["a"].medians_s == {"s": pytest.approx((0.1, 0.2))}
