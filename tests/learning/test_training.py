"""A short training on a toy pool: does it learn?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_train.dqn import Progress, Trained, train
from besteffort_train.episodes import Episode, Spread, draw_episode
from besteffort_train.hyper import Hyper
from besteffort_train.tune import mean_reward
from support.learning import small_service

SERVICE, SPREAD = small_service(), Spread(requests=1000)
CAREFUL = np.array([2.0, 0.3, 2.0, 0.1])
"""A price far too high: it takes the smallest size nearly always."""
SHORT = Hyper(
    hidden=32,
    steps=600,
    batch=256,
    learning_rate=1e-3,
    target_gain=0.02,
    imitation_steps=200,
    first_episodes=24,
    round_episodes=4,
    check_steps=200,
    check_episodes=16,
)


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def trained(heard: list[Progress]) -> Trained:
    return train(SERVICE, SPREAD, CAREFUL, SHORT, seed=0, report=heard.append)


@pytest.fixture(scope="module")
def unseen() -> list[Episode]:
    rng = np.random.default_rng(99)
    return [draw_episode(SERVICE, SPREAD, rng) for _ in range(40)]


def random_reward(episodes: list[Episode]) -> float:
    rng, plan, rewards = np.random.default_rng(0), build_plan(Kind.GREEDY), []
    for episode in episodes:
        forced = rng.integers(0, 3, episode.workload.task.size)
        rewards.append(simulate(*episode, plan._replace(forced=forced)).reward.mean())
    return float(np.mean(rewards))


def test_a_short_training_beats_its_teacher_every_static_size_and_chance(
    trained: Trained, unseen: list[Episode]
) -> None:
    learned = mean_reward(unseen, build_plan(Kind.LEARNED, CAREFUL, trained.network))
    static = [mean_reward(unseen, build_plan(Kind.STATIC, np.array([float(size)]))) for size in range(3)]
    assert learned > max(static) + 0.03
    assert learned > mean_reward(unseen, build_plan(Kind.PRICE, CAREFUL)) + 0.03
    assert learned > random_reward(unseen) + 0.03


def test_the_best_checkpoint_is_kept_and_progress_is_told(trained: Trained, heard: list[Progress]) -> None:
    assert [progress.step for progress in heard] == list(range(50, 601, 50))
    assert math.isnan(heard[0].reward)
    assert trained.reward == max(progress.reward for progress in heard[3:])
    assert trained.step in (200, 400, 600)


def test_the_range_holds_nearly_all_of_what_training_sees(trained: Trained) -> None:
    inside = (trained.observations >= trained.network.low) & (trained.observations <= trained.network.high)
    assert inside.all()
