from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_study.entrants import entrants
from besteffort_study.ground import JUDGED
from besteffort_study.tunable import RULES
from besteffort_study.tuned import FOLDER, Tuned, load_tuned, save_tuned

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Tuned({"Greedy": np.array([1.25, 0.125])}, np.array([[1.0, 2.0]]), {"loads": ["poisson 1x"]})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    save_tuned("SC", "co", FOUND, tmp_path)
    again = load_tuned("SC", "co", tmp_path)
    assert again.numbers["Greedy"].tolist() == [1.25, 0.125]
    assert again.values is not None
    assert again.values.tolist() == [[1.0, 2.0]]
    assert again.about == {"loads": ["poisson 1x"]}


def test_a_shift_is_played_with_what_was_tuned_before_it(tmp_path: Path) -> None:
    save_tuned("SC", "co", FOUND, tmp_path)
    assert load_tuned("SC+long", "co", tmp_path).numbers["Greedy"].tolist() == [1.25, 0.125]


def test_a_layout_that_another_stands_for_takes_its_numbers_but_not_its_states(tmp_path: Path) -> None:
    save_tuned("SC", "ded", FOUND, tmp_path)
    found = load_tuned("SC", "3L1x", tmp_path)
    assert "Greedy" in found.numbers
    assert found.values is None


def test_where_nothing_was_tuned_there_is_nothing_and_no_rule_plays(tmp_path: Path) -> None:
    assert load_tuned("SC", "co", tmp_path) == Tuned()
    assert not RULES.keys() & entrants("SCt", "ded").keys()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_numbers_that_come_with_the_study_fit_its_rules(path: Path) -> None:
    found = load_tuned(*path.stem.split("-"))
    assert found.numbers.keys() == RULES.keys()
    for name, start in RULES.items():
        assert found.numbers[name].shape == (len(start.point),)
    assert found.values is not None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_numbers_that_come_with_the_study_were_tuned_on_the_loads_that_tuning_takes_now(path: Path) -> None:
    assert load_tuned(*path.stem.split("-")).about["loads"] == [f"{family} {load:g}x" for family, load in JUDGED]
