from __future__ import annotations

import numpy as np
import pytest
import torch

from besteffort_core.latency import candidates
from besteffort_core.model import Request
from besteffort_core.observation import encode, observation_length
from besteffort_core.policies import DEFAULT_PRICE, choose_price
from besteffort_train.dqn import Learner, QNetwork, price_scores
from besteffort_train.experience import Transitions
from besteffort_train.hyper import Hyper
from support.learning import small_service
from support.pools import SIZES, TASKS, snapshot, three_sizes

LENGTH = observation_length(len(TASKS), len(SIZES))
READY = len(TASKS) + 1 + 3 * len(SIZES)
SMALL = Hyper(hidden=16, steps=400, batch=64, learning_rate=1e-2, target_gain=0.05, replay=512, load_scale=1e9)


def state(number: float, ready: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    vector = np.zeros(LENGTH, np.float32)
    vector[0] = number
    vector[[READY + size for size in ready]] = 1.0
    return vector


def taken(
    at: np.ndarray, action: int, gain: float, *, discount: float = 0.0, then: np.ndarray | None = None
) -> Transitions:
    """Return one transition."""
    following = at if then is None else then
    return Transitions(
        at[None], np.array([action]), np.array([gain], np.float32), np.array([discount], np.float32), following[None]
    )


def learned(*transitions: Transitions) -> Learner:
    learner = Learner(small_service(), SMALL, seed=0)
    for one in transitions:
        learner.replay.add(one)
    for _ in range(SMALL.steps):
        learner.learn()
    return learner


def values(learner: Learner, at: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = learner.online(torch.from_numpy(at[None]))[0].numpy()
    return found


def test_values_become_the_gains_where_nothing_follows() -> None:
    here = state(1.0)
    learner = learned(taken(here, 0, 0.2), taken(here, 1, 0.9), taken(here, 2, -0.4))
    assert values(learner, here) == pytest.approx([0.2, 0.9, -0.4], abs=0.02)


def test_what_follows_counts_by_its_best_ready_size_only() -> None:
    """Size 2 is worth 3 in the later state, but not ready there; of the ready ones size 1 is worth the most."""
    now, later = state(1.0), state(-1.0, ready=(0, 1))
    afterwards = [taken(later, action, gain) for action, gain in ((0, 0.5), (1, 1.0), (2, 3.0))]
    learner = learned(taken(now, 0, 0.25, discount=0.5, then=later), *afterwards)
    assert values(learner, now)[0] == pytest.approx(0.25 + 0.5 * 1.0, abs=0.05)


def test_the_learning_rate_falls_to_its_last_share() -> None:
    learner = learned(taken(state(1.0), 0, 0.0))
    (rate,) = learner.schedule.get_last_lr()
    assert rate == pytest.approx(SMALL.learning_rate * SMALL.last_rate)


def test_the_network_tells_sizes_apart_and_shares_their_mean() -> None:
    model = QNetwork(LENGTH, 8, 3)
    batch = torch.randn(5, LENGTH)
    with torch.no_grad():
        found, apart, shared = model(batch), model.sizes(batch), model.shared(batch)
    assert torch.allclose(found.mean(dim=1, keepdim=True), shared, atol=1e-6)
    assert torch.equal(found.argmax(dim=1), apart.argmax(dim=1))


@pytest.mark.parametrize("grace_factor", [1.0, 2.0])
def test_the_scores_to_imitate_choose_as_price_does(grace_factor: float) -> None:
    pool = three_sizes()._replace(grace_factor=grace_factor)
    rng, chosen = np.random.default_rng(0), []
    for _ in range(300):
        seen = snapshot(rng.integers(0, 12, 3).tolist(), rate_rps=float(rng.uniform(1, 300)))
        request = Request(int(rng.integers(3)), float(rng.uniform(0.1, 1.0)))
        found = candidates(request, pool, seen)
        observation = torch.from_numpy(encode(request, found, pool, seen)[None])
        scores = price_scores(observation, DEFAULT_PRICE, grace_factor, tasks=len(TASKS) + 1)
        wanted = choose_price(request, found, pool, seen, DEFAULT_PRICE)
        chosen.append((int(scores.argmax()), wanted))
    assert {size for _, size in chosen} == {0, 1, 2}
    assert np.mean([mine == price for mine, price in chosen]) >= 0.98
