from __future__ import annotations

import numpy as np
import pytest

from besteffort_cli.record import Outcome, Record
from besteffort_cli.series import Turn, instants_s, mean_reward_rps, offered_rps, reward_rps, size_shares, total_shares


def answer(offset_s: float, size: str = "small", *, right: bool = True) -> Record:
    return Record(offset_s, "t", Outcome.IN_TIME, 0.1, 0.0, answered=True, size=size, right=right)


def refusal(offset_s: float) -> Record:
    return Record(offset_s, "t", Outcome.REFUSED, 0.0, 0.0)


def evenly(rate_rps: int, length_s: int) -> list[float]:
    return [(i + 0.5) / rate_rps for i in range(rate_rps * length_s)]


def test_an_even_load_is_flat_to_both_ends() -> None:
    turn = Turn("m", [answer(s) for s in evenly(40, 5)])
    assert offered_rps(turn, 5.0) == pytest.approx(np.full(len(instants_s(5.0)), 40.0))


def test_rounds_are_averaged_whatever_order_the_records_have() -> None:
    turn = Turn("m", [answer(s) for s in evenly(40, 5)] * 3, rounds=3)
    assert offered_rps(turn, 5.0) == pytest.approx(np.full(len(instants_s(5.0)), 40.0))
    assert mean_reward_rps(turn, 5.0) == pytest.approx(40.0)


def test_only_right_answers_in_time_are_rewarded() -> None:
    late = Record(1.0, "t", Outcome.LATE, 0.9, 0.0, answered=True, size="small", right=True)
    turn = Turn("m", [answer(1.0), answer(1.0, right=False), late, refusal(1.0)])
    assert reward_rps(turn, 2.0).max() == pytest.approx(1.0)
    assert mean_reward_rps(turn, 2.0) == pytest.approx(0.5)


def test_shares_are_of_what_was_offered() -> None:
    turn = Turn("m", [answer(1.0), answer(1.0, "large"), refusal(1.0), refusal(1.0)])
    shares = size_shares(turn, ("large", "small"), 2.0)
    middle = list(instants_s(2.0)).index(1.0)
    assert shares[:, middle].tolist() == pytest.approx([0.25, 0.25])


def test_total_shares_are_of_all_requests() -> None:
    turn = Turn("m", [answer(1.0), answer(1.0, "large"), refusal(1.0), refusal(3.0)])
    assert total_shares(turn, ("large", "small", "none")) == [0.25, 0.25, 0.0]


def test_a_time_without_requests_has_shares_of_zero() -> None:
    shares = size_shares(Turn("m", [answer(0.0)]), ("small",), 10.0)
    assert shares[0, -1] == 0.0
    assert np.isfinite(shares).all()
