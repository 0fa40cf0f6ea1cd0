"""A whole recipe on a toy pool: does one seed make one file, and does that say what it is?"""

from __future__ import annotations

from besteffort_core.bundle import parse_bundle, require_layout
from besteffort_core.policy import Kind
from besteffort_train.episodes import Spread
from besteffort_train.hyper import Hyper
from besteffort_train.recipe import Made, Recipe, make_policy
from besteffort_train.search import ScorerSearch
from besteffort_train.strategy import Search
from support.learning import small_service

SERVICE = small_service()
TINY = Recipe(
    search=ScorerSearch(rounds=4, candidates=4, episodes=2, check_rounds=2),
    hyper=Hyper(hidden=8, steps=40, replay=2_000, first_episodes=2, round_steps=20, round_episodes=1, check_steps=20),
    rules=Search(rounds=1, candidates=2),
    spread=Spread(requests=300),
    tuning_episodes=2,
    judged_episodes=2,
    validation_episodes=2,
    seeds=2,
)


def made(seed: int) -> tuple[Made, list[str]]:
    phases: list[str] = []
    found = make_policy(SERVICE, TINY, seed=seed, report=lambda phase, *_: phases.append(phase))
    return found, list(dict.fromkeys(phases))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    (first, phases), (again, _), (other, _) = made(7), made(7), made(8)
    assert phases == ["tuning Price", "tuning Ladder", "searching", "comparing"]
    assert first.data == again.data
    assert first.data != other.data


def test_a_bundle_says_what_it_was_trained_for_and_how_well_all_policies_do() -> None:
    bundle = parse_bundle(made(7)[0].data)
    require_layout(bundle, SERVICE.tasks, SERVICE.sizes)
    assert bundle.kind == "Learned"
    assert bundle.trained["seed"] == 7
    assert bundle.trained["rounds"] == 4
    assert bundle.trained["checkpoint"] in (0, 2, 4)
    assert bundle.trained["rate_rps"] == [0.3 * 40.0, 1.5 * 2000.0]
    assert bundle.results["episodes"].keys() == bundle.results["bursts"].keys()
    assert {"Learned", "Price", "Static large"} <= bundle.results["episodes"].keys()


def test_a_dqn_is_trained_for_the_service_and_compared_with_the_rest() -> None:
    phases: list[str] = []
    found = make_policy(SERVICE, TINY, kind=Kind.DQN, seed=7, report=lambda phase, *_: phases.append(phase))
    assert list(dict.fromkeys(phases)) == ["tuning Price", "tuning Ladder", "training", "comparing"]
    bundle = parse_bundle(found.data)
    require_layout(bundle, SERVICE.tasks, SERVICE.sizes)
    assert (bundle.kind, bundle.trained["steps"]) == ("DQN", 40)
    assert bundle.trained["checkpoint"] in (20, 40)
    assert {"DQN", "Learned", "Price"} <= bundle.results["bursts"].keys()


def test_few_rounds_are_few_for_all_and_many_are_for_learned_alone() -> None:
    few, many = Recipe().searched_for(1), Recipe().searched_for(500)
    assert (few.search.rounds, few.rules.rounds) == (1, 1)
    assert (many.search.rounds, many.rules) == (500, Recipe().rules)
