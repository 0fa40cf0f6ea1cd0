from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_core.general import GENERAL
from besteffort_core.policies import DEFAULT_LADDER, DEFAULT_PRICE
from besteffort_sim.choice import NUMBERS
from besteffort_train.baselines import build_plans
from support.bundles import random_bundle, random_dqn, random_scorer
from support.pools import SIZES

if TYPE_CHECKING:
    from besteffort_core.dqn import Network
    from besteffort_core.scorer import Scorer

OTHERS = ["Price", "Ladder", "Greedy", "LeastLoaded", "RoundRobin", "Static small", "Static medium", "Static large"]


def test_without_a_bundle_all_rules_are_compared_with_their_defaults() -> None:
    plans = build_plans(SIZES, None)
    assert list(plans) == ["Learned", *OTHERS]
    assert plans["Learned"].scorer is GENERAL
    assert plans["Price"].parameters.tolist() == DEFAULT_PRICE.tolist()
    assert plans["Ladder"].parameters.tolist() == DEFAULT_LADDER.tolist()


@pytest.mark.parametrize(("network", "networks"), [(random_scorer(), ["Learned"]), (random_dqn(), ["DQN", "Learned"])])
def test_a_bundle_brings_its_network_first_and_the_tuned_numbers(
    network: Scorer | Network, networks: list[str]
) -> None:
    bundle = random_bundle(network=network)
    plans = build_plans(SIZES, bundle)
    assert list(plans) == [*networks, *OTHERS]
    first = plans[networks[0]]
    assert any(known is network for known in (first.scorer, first.network))
    assert first.parameters is bundle.price
    assert plans["Price"].parameters is bundle.price
    assert plans["Ladder"].parameters is bundle.ladder


def test_a_plan_is_of_the_kind_that_its_name_says() -> None:
    for name, plan in build_plans(SIZES, random_bundle()).items():
        kind = name.split()[0]
        assert {str(key): number for key, number in NUMBERS.items()}[kind] == plan.kind
    static = [build_plans(SIZES, None)[f"Static {size}"].parameters for size in SIZES]
    assert np.concatenate(static).tolist() == [0.0, 1.0, 2.0]
