from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_cli import contest
from besteffort_cli.contest import Contestant, Course, Score, contestants, run, schedule
from besteffort_cli.record import Outcome, Record
from besteffort_resource.service import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Callable

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


def interrupted_in_turn(turn: int, interrupt: Callable[[], list[Record]]) -> Callable[..., list[Record]]:
    """Return a replay of one good answer whose given turn, from 1 on, is interrupted."""
    turns = iter(range(1, 100))
    answer = Record(0.0, "chain", Outcome.IN_TIME, 0.1, 0.0, answered=True, size="large", right=True)
    return lambda *_, **__: interrupt() if next(turns) == turn else [answer]


def cut_short() -> list[Record]:
    return [Record(0.0, "chain", Outcome.CANCELLED, 0.0, 0.0)]


def before_it_began() -> list[Record]:
    raise KeyboardInterrupt


@pytest.mark.parametrize("interrupt", [cut_short, before_it_began])
@pytest.mark.parametrize(("turn", "complete"), [(3, 0), (len(ENTRIES) + 2, 1)])
def test_ctrl_c_ends_the_contest_and_leaves_the_complete_rounds(
    interrupt: Callable[[], list[Record]], turn: int, complete: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contest, "SETTLE_S", 0)
    monkeypatch.setattr(contest, "replay", interrupted_in_turn(turn, interrupt))
    stack, router = SimpleNamespace(set_policy=lambda *_, **__: None), SimpleNamespace(address="")
    course = Course("assistant", np.zeros(1), (), 0.4, rounds=5, seed=0)
    scores = run(stack, router, course, ENTRIES, lambda *_: None)  # type: ignore[arg-type]
    assert [len(score.rounds) for score in scores] == [complete] * len(ENTRIES) * bool(complete)
