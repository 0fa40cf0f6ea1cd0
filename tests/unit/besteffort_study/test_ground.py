from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_study import ground as grounds
from besteffort_study.catalogue import TUNING_SEEDS, VALIDATION_SEEDS, draw_workload
from besteffort_study.errors import StudyError
from besteffort_study.ground import JUDGED, Ground

if TYPE_CHECKING:
    from besteffort_sim.model import Workload
    from besteffort_study.scenarios import Scenario


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setattr(grounds, "study_unit_rps", lambda *_: 100.0)
    return Ground("MX/ded")


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that requests are drawn with; the first draw of azure meets a gap in the trace."""
    asked, met = list[int](), set[str]()

    def recorded(scenario: Scenario, family: str, rate_rps: float, seed: int, *, duration_s: float) -> Workload:
        asked.append(seed)
        if family == "azure" and family not in met:
            met.add(family)
            raise StudyError("trace: it has a gap")
        return draw_workload(scenario, family, rate_rps, seed, duration_s=duration_s)

    monkeypatch.setattr(grounds, "draw_workload", recorded)
    return asked


def test_random_episodes_are_long_enough_and_one_generator_draws_the_same(ground: Ground) -> None:
    episodes = [ground.draw(rng) for rng in np.random.default_rng(0).spawn(30)]
    again = [ground.draw(rng) for rng in np.random.default_rng(0).spawn(30)]
    for one, other in zip(episodes, again, strict=True):
        assert np.array_equal(one.workload.arrival_s, other.workload.arrival_s)
    lasting = np.array([one.workload.arrival_s[-1] for one in episodes])
    rates = np.array([one.workload.task.size for one in episodes]) / lasting
    assert lasting.min() > 0.8 * 6 * 1.5
    assert rates.min() < 100.0
    assert rates.max() > 1000.0


def test_episodes_in_turn_are_of_each_run_and_always_new(ground: Ground) -> None:
    draw, rng = ground.in_turn((("poisson", 0.5), ("poisson", 4.0))), np.random.default_rng(0)
    counts = [draw(rng).workload.task.size for _ in range(4)]
    assert counts[1] > 4 * counts[0]
    assert counts[3] > 4 * counts[2]
    assert len(set(counts)) == 4


def test_what_is_picked_by_is_every_run_on_several_seeds(ground: Ground) -> None:
    judged = ground.judged(JUDGED[:2], repeats=2)
    assert len({one.workload.arrival_s.tobytes() for one in judged}) == 4


def test_random_episodes_to_train_on_are_of_tuning_seeds_alone(ground: Ground, seeds: list[int]) -> None:
    for rng in np.random.default_rng(0).spawn(20):
        ground.draw(rng)
    assert len(set(seeds)) >= 20
    assert all(seed in TUNING_SEEDS for seed in seeds)


def test_episodes_in_turn_are_of_tuning_seeds_alone(ground: Ground, seeds: list[int]) -> None:
    draw, rng = ground.in_turn((("azure", 0.5), ("poisson", 0.5))), np.random.default_rng(0)
    for _ in range(10):
        draw(rng)
    assert len(set(seeds)) > 10
    assert all(seed in TUNING_SEEDS for seed in seeds)


def test_what_is_picked_by_is_of_validation_seeds_alone(ground: Ground, seeds: list[int]) -> None:
    ground.judged((("poisson", 0.5), ("maf", 0.5)), repeats=3)
    assert len(seeds) == 6
    assert len(set(seeds)) == 3
    assert all(seed in VALIDATION_SEEDS for seed in seeds)
