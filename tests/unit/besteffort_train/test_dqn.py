from __future__ import annotations

import functools

import numpy as np
import pytest

from besteffort_train.dqn import Course, Learner, train
from besteffort_train.episodes import Spread, draw_episode
from besteffort_train.hyper import Hyper
from besteffort_train.tune import mean_reward
from support.learning import small_service

SERVICE, SPREAD = small_service(), Spread(requests=600, outage=0.0)
BRIEF = Hyper(steps=200, first_episodes=4, round_steps=100, round_episodes=1, replay=5_000)


def build_course(seed: int = 5) -> Course:
    draw = functools.partial(draw_episode, SERVICE, SPREAD)
    judged = [draw(rng) for rng in np.random.default_rng(seed).spawn(16)]
    return Course(len(SERVICE.tasks), len(SERVICE.sizes), draw, lambda plan: mean_reward(judged, plan))


def test_one_seed_makes_one_network_to_the_bit_and_another_seed_another() -> None:
    first, again, other = (train(build_course(), BRIEF, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first.network, again.network, strict=True))
    assert first.curve == again.curve
    assert not np.array_equal(first.network.w1, other.network.w1)


def test_the_learning_rate_falls_to_its_last_share() -> None:
    learner = Learner(build_course(), BRIEF, np.random.default_rng(0))
    assert learner.rate(0) == pytest.approx(BRIEF.learning_rate)
    assert learner.rate(BRIEF.steps) == pytest.approx(BRIEF.learning_rate * BRIEF.last_rate)
