from __future__ import annotations

import re

import numpy as np
import pytest

from besteffort_core.bundle import bundle_to_bytes, parse_bundle
from besteffort_core.dqn import Network, in_range
from besteffort_study import paper
from besteffort_study.errors import StudyError
from besteffort_study.paper import LOADS, SETTINGS, Setting, paper_bundle, paper_entrant
from besteffort_study.scenarios import scenario
from besteffort_train.dqn import Trained
from besteffort_train.hyper import Hyper


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(paper, "load_unit_rps", lambda *_: 100.0)
    return Setting("MX/ded")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_dqn_is_kept_for_every_setting_and_says_how_it_was_made(name: str) -> None:
    bundle, asked = paper_bundle(*name.split("/")), scenario(name.partition("/")[0])
    assert (bundle.kind, bundle.tasks) == ("DQN", asked.tasks)
    assert bundle.trained["loads"] == list(LOADS)
    best = max(reward for _, reward in bundle.results["curve"])
    assert best == max(bundle.results["of_peak"])
    assert bundle.trained["checkpoint"] in [step for step, reward in bundle.results["curve"] if reward == best]


def test_the_entrant_has_no_guard() -> None:
    network = paper_entrant("SC", "co").plan.network
    assert in_range(network, np.full(network.low.size, 1e9, np.float32))


def test_where_none_is_kept_the_settings_are_named() -> None:
    with pytest.raises(StudyError, match=re.escape("no DQN is kept for SC on tp2, only for SC/co, SC/ded")):
        paper_entrant("SC", "tp2")


def test_episodes_are_long_enough_and_never_those_of_a_test(setting: Setting) -> None:
    episodes = [setting.draw(rng) for rng in np.random.default_rng(0).spawn(30)]
    again = [setting.draw(rng) for rng in np.random.default_rng(0).spawn(30)]
    for one, other in zip(episodes, again, strict=True):
        assert np.array_equal(one.workload.arrival_s, other.workload.arrival_s)
    lasting = np.array([one.workload.arrival_s[-1] for one in episodes])
    rates = np.array([one.workload.task.size for one in episodes]) / lasting
    assert lasting.min() > 0.8 * 6 * 1.5
    assert rates.min() < 100.0
    assert rates.max() > 1000.0


def test_a_bundle_holds_the_best_of_all_trainings(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    network = paper_bundle("MX", "ded").network
    assert isinstance(network, Network)
    rewards = iter([0.3, 0.7, 0.5])

    def trained(_course: object, _hyper: object, *, seed: int) -> Trained:
        reward = next(rewards)
        return Trained(network, reward, 10 * seed, ((10 * seed, reward),))

    monkeypatch.setattr(paper, "train", trained)
    heard: list[str] = []
    bundle = paper.trained_bundle(setting, Hyper(), 3, heard.append)
    assert (bundle.trained["seed"], bundle.trained["checkpoint"]) == (1, 10)
    assert bundle.results["of_peak"] == [0.3, 0.7, 0.5]
    assert len(heard) == 3
    assert parse_bundle(bundle_to_bytes(bundle)).kind == "DQN"
