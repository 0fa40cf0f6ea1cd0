from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from besteffort_core.bundle import Bundle
from besteffort_core.dqn import Network, in_range
from besteffort_study import ground
from besteffort_study.planned import Planned
from besteffort_study.scenarios import scenario
from besteffort_study.trained import DQN, LEARNED, NARROW, kept_bundle, kept_entrant
from besteffort_study.training import GENERATING, SEARCH, TRAININGS
from besteffort_study.tuned import FOLDER

KEPT = sorted(path.stem for path in FOLDER.glob("*.safetensors") if path.stem.startswith(("learned", "dqn")))


def bundle_of(name: str) -> Bundle:
    policy, *_, base, layout = name.split("-")
    found = kept_bundle(DQN if policy == "dqn" else NARROW if "narrow" in name else LEARNED, base, layout)
    assert found is not None
    return found


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_policy_is_for_the_tasks_of_its_scenario(name: str) -> None:
    assert bundle_of(name).tasks == scenario(name.split("-")[-2]).tasks


@pytest.mark.parametrize("name", [name for name in KEPT if name.startswith("learned")])
def test_a_kept_learned_was_searched_for_as_training_does_it_now(name: str) -> None:
    """Those of scoring are from before a first late request could cost more, which it does not there."""
    runs, trained = ground.NARROW if name.startswith("learned-narrow") else ground.JUDGED, bundle_of(name).trained
    assert trained["runs"] == [list(run) for run in runs]
    search = asdict(SEARCH if "SC" in name else GENERATING)
    if "SC" in name:
        assert search.pop("first_late_cost") == 0.0
    assert trained["search"] == search


@pytest.mark.parametrize("name", [name for name in KEPT if name.startswith("dqn")])
def test_a_kept_dqn_is_the_best_of_its_trainings_at_its_best_checkpoint(name: str) -> None:
    bundle = bundle_of(name)
    assert len(bundle.results["of_peak"]) == len(TRAININGS)
    assert bundle.trained["hyper"] == asdict(TRAININGS[bundle.trained["seed"]])
    best = max(reward for _, reward in bundle.results["curve"])
    assert best == max(bundle.results["of_peak"])
    assert bundle.trained["checkpoint"] in [step for step, reward in bundle.results["curve"] if reward == best]


def test_the_dqn_of_the_paper_plays_without_a_guard() -> None:
    entrant = kept_entrant(DQN, "SC", "co")
    assert isinstance(entrant, Planned)
    network = entrant.plan.network
    assert isinstance(network, Network)
    assert in_range(network, np.full(network.low.size, 1e9, np.float32))


def test_a_shift_is_played_with_what_was_trained_before_it_and_elsewhere_nothing_is_kept() -> None:
    assert kept_bundle(DQN, "SC+long", "co") is not None
    assert kept_entrant(DQN, "SC", "tp2") is None


def test_the_narrow_one_names_the_one_that_saw_all_loads() -> None:
    narrow = kept_entrant(NARROW, "SC", "co")
    assert narrow is not None
    assert narrow.broad == LEARNED
