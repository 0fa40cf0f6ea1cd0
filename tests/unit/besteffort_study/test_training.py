from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from besteffort_core.bundle import bundle_to_bytes, parse_bundle
from besteffort_core.dqn import Network, in_range
from besteffort_core.general import GENERAL
from besteffort_core.policy import Kind
from besteffort_core.scorer import Scorer
from besteffort_sim.choice import build_plan
from besteffort_study import ground as grounds
from besteffort_study import training
from besteffort_study.ground import Ground
from besteffort_study.trained import DQN, kept_bundle
from besteffort_study.training import GENERATING, course, train_dqn, train_learned
from besteffort_train.dqn import Trained
from besteffort_train.hyper import Hyper

RUNS = (("poisson", 1.0), ("poisson", 2.0))
TINY = replace(GENERATING, rounds=2, candidates=2, episodes=2, check_rounds=1)


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setattr(grounds, "study_unit_rps", lambda *_: 50.0)
    return Ground("MX/ded")


def test_a_bundle_of_learned_says_what_it_was_searched_on_and_keeps_the_best_checkpoint(ground: Ground) -> None:
    heard: list[str] = []
    bundle = train_learned(ground, TINY, [GENERAL], RUNS, heard.append)
    assert isinstance(bundle.network, Scorer)
    assert np.all(bundle.network.low > GENERAL.low)
    assert bundle.trained["search"]["first_late_cost"] == 1.0
    assert bundle.trained["runs"] == [["poisson", 1.0], ["poisson", 2.0]]
    assert bundle.results["worth"] >= max(bundle.results["curve"])
    assert len(heard) == 2
    assert parse_bundle(bundle_to_bytes(bundle)).kind == "Learned"


def test_a_bundle_holds_the_best_dqn_of_all_trainings(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_bundle(DQN, "MX", "ded")
    assert kept is not None
    assert isinstance(kept.network, Network)
    network, rewards = kept.network, iter([0.3, 0.7, 0.5])

    def trained(_course: object, _hyper: object, *, seed: int) -> Trained:
        reward = next(rewards)
        return Trained(network._replace(low=network.low - seed), reward, 10 * seed, ((10 * seed, reward),))

    monkeypatch.setattr(training, "train", trained)
    heard: list[str] = []
    bundle = train_dqn(ground, [Hyper(), Hyper(discount=0.99), Hyper()], heard.append)
    assert (bundle.trained["seed"], bundle.trained["checkpoint"]) == (1, 10)
    assert bundle.trained["hyper"]["discount"] == 0.99
    assert bundle.results["of_peak"] == [0.3, 0.7, 0.5]
    assert len(heard) == 3
    assert parse_bundle(bundle_to_bytes(bundle)).kind == "DQN"


def test_a_dqn_is_judged_as_it_plays_without_the_guard_of_its_range(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "JUDGED", RUNS[:1])
    bundle = kept_bundle(DQN, "MX", "ded")
    assert bundle is not None
    network = bundle.network
    assert isinstance(network, Network)
    nowhere = network._replace(low=network.low + 1e9, high=network.high + 2e9)
    assert not in_range(nowhere, np.zeros(network.low.size, np.float32))
    judge = course(ground).judge
    assert judge(build_plan(Kind.DQN, network=nowhere)) == judge(build_plan(Kind.DQN, network=network))
