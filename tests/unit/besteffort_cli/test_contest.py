from __future__ import annotations

from collections import Counter

from besteffort_cli.contest import Contestant, Score, contestants, schedule
from besteffort_cli.record import Outcome, Record
from besteffort_operator.resource import PolicyKind

ENTRIES = contestants(PolicyKind.LEARNED, ["small", "medium", "large"])


def test_the_mounted_policy_comes_first_and_every_size_alone_takes_part() -> None:
    assert [entry.name for entry in ENTRIES] == [
        "Learned",
        "Price",
        "Ladder",
        "static large",
        "static medium",
        "static small",
    ]


def test_a_mounted_heuristic_takes_part_once() -> None:
    kinds = [entry.kind for entry in contestants(PolicyKind.PRICE, ["small"])]
    assert kinds == [PolicyKind.PRICE, PolicyKind.LADDER, PolicyKind.STATIC]


def test_each_has_one_turn_a_round_and_no_place_in_the_order_is_always_the_same() -> None:
    turns = list(schedule(ENTRIES, 4))
    assert Counter(turns) == Counter({(number, entry): 1 for number in range(4) for entry in ENTRIES})
    places = [[entry for number, entry in turns if number == wanted] for wanted in range(4)]
    assert len({tuple(order) for order in places}) == 4
    for entry in ENTRIES:
        assert len({order.index(entry) for order in places}) > 1


def test_a_score_keeps_rounds_apart_for_figures_and_together_for_the_picture() -> None:
    record = Record(0.0, "chain", Outcome.IN_TIME, 0.1, 0.0, answered=True, size="large", right=True)
    score = Score(Contestant("static large", PolicyKind.STATIC, "large"), ((record,), (record, record)))
    assert [summary.offered for summary in score.result().rounds] == [1, 2]
    assert (len(score.turn().records), score.turn().rounds, score.turn().size) == (3, 2, "large")
