from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from besteffort_study import ground as grounds
from besteffort_study import tuning
from besteffort_study.catalogue import TUNING_SEEDS, VALIDATION_SEEDS
from besteffort_study.ground import JUDGED, Ground
from besteffort_study.tunable import RULES
from besteffort_train.tune import worth

RULE = "Greedy"


class Heard(Ground):
    """Notes the seeds that it is asked for, in order."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.seeds: list[int] = []

    def episode(self, family: str, load: float, seed: int, duration_s: float = 2.0) -> grounds.Episode:
        self.seeds.append(seed)
        return super().episode(family, load, seed, duration_s)


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Heard:
    monkeypatch.setattr(grounds, "study_unit_rps", lambda *_: 50.0)
    monkeypatch.setattr(tuning, "RULES", {RULE: RULES[RULE]})
    monkeypatch.setattr(tuning, "SEARCH", replace(tuning.SEARCH, rounds=3, candidates=2, renewed=2))
    return Heard("SC/co")


def test_a_rule_is_searched_on_tuning_seeds_and_picked_on_validation_seeds(
    ground: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[grounds.Episode] = []

    def noted(episode: grounds.Episode, log: object) -> float:
        played.append(episode)
        return worth(episode, log)

    monkeypatch.setattr(tuning, "worth", noted)
    found = next(tuning.tune(ground, lambda *_: None))
    many = len(JUDGED)
    assert set(ground.seeds[:many]) <= set(VALIDATION_SEEDS)
    assert len(ground.seeds) >= 3 * many, "drawn twice in three rounds"
    assert set(ground.seeds[many:]) <= set(TUNING_SEEDS)
    assert len(played) == found.about["simulations_each"]
    assert found.values is None
    assert found.numbers[RULE].shape == np.shape(RULES[RULE].point)


def test_values_of_states_are_counted_on_tuning_seeds_and_picked_on_validation_seeds(ground: Heard) -> None:
    values, earned, decisions = tuning.tune_values(ground, repeats=1)
    many = len(JUDGED)
    assert set(ground.seeds[:many]) <= set(VALIDATION_SEEDS)
    assert set(ground.seeds[many:]) <= set(TUNING_SEEDS)
    assert decisions > 1000
    assert 0.5 < earned < 1.0
    assert np.unique(values.argmax(axis=1)).size > 1, "it is not one size for all states"
