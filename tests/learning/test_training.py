"""A short training on a toy pool: does it learn?"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_train.dqn import Course, Progress, Trained, train
from besteffort_train.episodes import Spread, draw_episode
from besteffort_train.hyper import Hyper
from besteffort_train.tune import mean_reward
from support.learning import small_service

SERVICE, SPREAD = small_service(), Spread(requests=600, outage=0.0)
SHORT = Hyper(
    hidden=32, steps=3000, replay=20_000, first_episodes=24, round_steps=100, round_episodes=2, check_steps=500
)


def build_course(seed: int = 5) -> Course:
    draw = functools.partial(draw_episode, SERVICE, SPREAD)
    judged = [draw(rng) for rng in np.random.default_rng(seed).spawn(16)]
    return Course(len(SERVICE.tasks), len(SERVICE.sizes), draw, lambda plan: mean_reward(judged, plan))


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def trained(heard: list[Progress]) -> Trained:
    return train(build_course(), SHORT, seed=0, report=heard.append)


def test_a_short_training_beats_every_static_size(trained: Trained) -> None:
    unseen = build_course(seed=6)
    static = [unseen.judge(build_plan(Kind.STATIC, np.array([float(size)]))) for size in range(3)]
    assert unseen.judge(build_plan(Kind.DQN, network=trained.network)) > max(static) + 0.02


def test_the_best_checkpoint_is_kept_and_progress_is_told(trained: Trained, heard: list[Progress]) -> None:
    assert [progress.step for progress in heard] == list(range(100, 3001, 100))
    assert math.isnan(heard[0].reward)
    assert [step for step, _ in trained.curve] == [500, 1000, 1500, 2000, 2500, 3000]
    assert (trained.step, trained.reward) == max(trained.curve, key=lambda point: point[1])
