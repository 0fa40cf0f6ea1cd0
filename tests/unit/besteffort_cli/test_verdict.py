from __future__ import annotations

from besteffort_cli.contest import Contestant, Score
from besteffort_cli.record import Outcome, Record
from besteffort_cli.verdict import verdict
from besteffort_resource.service import PolicyKind


def record(offset_s: float, size: str, *, right: bool = True, outcome: Outcome = Outcome.IN_TIME) -> Record:
    return Record(offset_s, "chain", outcome, 0.1, 0.0, answered=outcome is Outcome.IN_TIME, size=size, right=right)


def score(name: str, kind: PolicyKind, right: int, *, size: str | None = None) -> Score:
    """Two rounds, each with 4 requests 10 s apart and then 12 in one moment, the first `right` of them right."""
    offsets = [0.0, 10.0, 20.0, 30.0] + [40.0 + 0.001 * i for i in range(12)]
    sizes = [size or ("large" if offset < 35 else "small") for offset in offsets]
    found = [record(o, s, right=i < right) for i, (o, s) in enumerate(zip(offsets, sizes, strict=True))]
    return Score(Contestant(name, kind, size), (tuple(found), tuple(found)))


LARGE = score("static large", PolicyKind.STATIC, 4, size="large")
SMALL = score("static small", PolicyKind.STATIC, 8, size="small")


def test_the_first_line_compares_with_the_best_static_size() -> None:
    earned, _ = verdict([score("Learned", PolicyKind.LEARNED, 12), LARGE, SMALL])
    assert earned.startswith("Learned answered 100.0% in time and earned 1.50 times (95 % 1.50 to 1.50)")
    assert "the best static size (static small)" in earned


def test_a_loss_is_said_as_plainly_as_a_win() -> None:
    earned, _ = verdict([score("Learned", PolicyKind.LEARNED, 4), LARGE, SMALL])
    assert "0.50 times" in earned


def test_a_static_size_that_earned_nothing_makes_no_ratio() -> None:
    nothing = score("static large", PolicyKind.STATIC, 0, size="large")
    earned, _ = verdict([score("Learned", PolicyKind.LEARNED, 4), nothing])
    assert "not comparable as a ratio" in earned


def test_the_second_line_contrasts_lull_and_burst() -> None:
    _, bent = verdict([score("Learned", PolicyKind.LEARNED, 12), LARGE])
    assert bent == (
        "In the calmest quarter of the time it answered with large 100%, not in time 0.0%; "
        "in the busiest with small 100%, not in time 0.0%."
    )


def test_the_first_line_says_what_price_earned_too() -> None:
    earned, _ = verdict(
        [
            score("Learned", PolicyKind.LEARNED, 8),
            score("Price", PolicyKind.PRICE, 16),
            score("Ladder", PolicyKind.LADDER, 4),
            LARGE,
        ]
    )
    assert earned.endswith("0.50 times (95 % 0.50 to 0.50) what Price earned.")
    assert "Ladder" not in earned
