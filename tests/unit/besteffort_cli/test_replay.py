from __future__ import annotations

from collections import Counter

from besteffort_cli.replay import prompt_order


def test_every_row_is_asked_before_any_is_asked_again() -> None:
    order = prompt_order(5, 13, seed=1)
    assert sorted(order[:5]) == sorted(order[5:10]) == [0, 1, 2, 3, 4]
    assert set(Counter(order).values()) == {2, 3}


def test_the_order_follows_the_seed() -> None:
    assert prompt_order(50, 50, seed=1) == prompt_order(50, 50, seed=1)
    assert prompt_order(50, 50, seed=1) != prompt_order(50, 50, seed=2)


def test_a_longer_replay_asks_the_same_first() -> None:
    assert prompt_order(5, 13, seed=1)[:7] == prompt_order(5, 7, seed=1)
