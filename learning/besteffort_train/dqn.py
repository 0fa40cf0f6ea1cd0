"""Double DQN (van Hasselt et al. 2016) on the compiled simulator.

Observation, network and reward are the core's. What differs from the textbook, and why:
* Only random decisions are learned from. A chosen action tells of the load that made it look good, and what the network
  cannot see would pass for an effect of the action; a random one tells of nothing.
* Time discounts, not the number of decisions, of which a second may hold ten or a thousand.
* Rewards count when they are earned, so that harm to requests that wait already is charged to the decision. From them
  go those of a reference run: the same policy, arrivals and noise, but no random decisions. No decision can change the
  reference, so the best one stays the best, and most of the variance, which is that of the arrivals, is gone.
* A request that misses its deadline costs something, so that availability is not traded for a little quality.
* A second network learns what all sizes share (the value of the state); what is exported tells the sizes apart.
"""

from __future__ import annotations

import copy
import functools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from besteffort_core.learned import Network
from besteffort_core.observation import observation_length
from besteffort_core.policies import PRICE_SHARPNESS
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_train.episodes import draw_episode
from besteffort_train.experience import Replay, Transitions, play
from besteffort_train.tune import mean_reward

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from besteffort_core.policies import Parameters
    from besteffort_sim.model import Plan
    from besteffort_train.episodes import Episode, Service, Spread
    from besteffort_train.hyper import Hyper

__all__ = ["Progress", "Trained", "network_of", "train"]

CHECKED = 512
"""Observations that torch and numpy are compared on."""


class Progress(NamedTuple):
    """How far training is."""

    step: int
    steps: int
    reward: float
    """Of the last checkpoint, NaN before the first."""


class Trained(NamedTuple):
    """The best checkpoint."""

    network: Network
    """Its range is that of all observations played, and a little more."""
    reward: float
    """Mean on the episodes that checkpoints were judged by."""
    step: int
    model: nn.Sequential
    """The same network as torch has it."""
    observations: NDArray[np.float32]
    """A batch that both must agree on."""


class QNetwork(nn.Module):
    """What tells the sizes apart (exported), and what they share."""

    def __init__(self, inputs: int, hidden: int, sizes: int) -> None:
        super().__init__()
        self.sizes = _layers(inputs, hidden, sizes)
        self.shared = _layers(inputs, hidden, 1)

    def forward(self, observation: Tensor) -> Tensor:
        apart = self.sizes(observation)
        values: Tensor = self.shared(observation) + apart - apart.mean(dim=1, keepdim=True)
        return values


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


def price_scores(observation: Tensor, price: Parameters, grace_factor: float, tasks: int) -> Tensor:
    """Return the score that Price gives to each size, from an observation; the least counted is -3."""
    slack, work, quality, _, backlog = observation[:, tasks:-1].chunk(5, dim=1)
    level, rate, waiting, margin = price.tolist()
    in_time = torch.sigmoid(PRICE_SHARPNESS * (slack + 0.5 * (grace_factor - 1.0) - margin))
    cost = torch.exp(level + rate * observation[:, -1:] + waiting * backlog) * work
    return (quality * in_time - cost).clamp(min=-3.0)


def network_of(model: QNetwork, low: NDArray[np.float32], high: NDArray[np.float32]) -> Network:
    """Return what the core needs of a model, as numpy arrays of their own."""
    arrays: list[NDArray[np.float32]] = []
    for layer in (model.sizes[0], model.sizes[2], model.sizes[4]):
        assert isinstance(layer, nn.Linear)
        arrays += [layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()]
    arrays += [low, high]
    return Network(*arrays)


class Learner:
    """The two models, their optimiser and the transitions; its state is all that a step changes."""

    def __init__(self, service: Service, hyper: Hyper, seed: int) -> None:
        tasks, sizes = len(service.tasks), len(service.sizes)
        self.hyper, self.sizes = hyper, sizes
        self.ready_at = slice(tasks + 1 + 3 * sizes, tasks + 1 + 4 * sizes)
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.online = QNetwork(observation_length(tasks, sizes), hyper.hidden, sizes)
        self.target = copy.deepcopy(self.online).requires_grad_(requires_grad=False)
        self.optimiser = torch.optim.Adam(self.online.parameters(), lr=hyper.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.replay = Replay(hyper.replay, observation_length(tasks, sizes))

    def _rate(self, step: int) -> float:
        last = self.hyper.last_rate
        return last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * min(step / self.hyper.steps, 1.0)))

    def learn(self) -> None:
        """Take one gradient step, and let the target follow."""
        observation, action, gain, discount, following = self.replay.sample(self.hyper.batch, self.generator)
        with torch.no_grad():
            ready = following[:, self.ready_at] > 0.5  # noqa: PLR2004 - a truth value as a number
            best = self.online(following).masked_fill(~ready, -torch.inf).argmax(dim=1, keepdim=True)
            wanted = gain + self.hyper.boot * discount * self.target(following).gather(1, best).squeeze(1)
        error = self.online(observation).gather(1, action.unsqueeze(1)).squeeze(1) - wanted
        weight = 1.0 / (1.0 + observation[:, -1].exp() / self.hyper.load_scale)
        self.optimiser.zero_grad()
        ((weight * error) ** 2).mean().backward()
        self.optimiser.step()
        self.schedule.step()
        with torch.no_grad():
            for kept, new in zip(self.target.parameters(), self.online.parameters(), strict=True):
                kept.lerp_(new, self.hyper.target_gain)

    def imitate(self, price: Parameters, grace_factor: float) -> None:
        """Learn to score the sizes of the observations so far as Price does."""
        optimiser = torch.optim.Adam(self.online.sizes.parameters(), lr=self.hyper.imitation_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.hyper.imitation_steps)
        for _ in range(self.hyper.imitation_steps):
            observation = self.replay.sample(self.hyper.batch // 2, self.generator)[0]
            wanted = price_scores(observation, price, grace_factor, self.ready_at.start - 3 * self.sizes)
            optimiser.zero_grad()
            ((self.online.sizes(observation) - wanted) ** 2).mean().backward()
            optimiser.step()
            schedule.step()
        self.target.load_state_dict(self.online.state_dict())

    def network(self) -> Network:
        """Return the network that plays, with the range of what was seen."""
        margin = 0.01 + 0.01 * (self.replay.high - self.replay.low)
        return network_of(self.target, self.replay.low - margin, self.replay.high + margin)


def train(
    service: Service,
    spread: Spread,
    price: Parameters,
    hyper: Hyper,
    *,
    seed: int,
    report: Callable[[Progress], None] = lambda _: None,
) -> Trained:
    """Return the checkpoint with the most reward; one seed makes one result, to the bit.

    `price` are the tuned numbers of Price, which guides at first and rules where the network is out of its range.
    """
    torch.set_num_threads(1)
    learner, rng = Learner(service, hyper, seed), np.random.default_rng((seed, 1))
    checks = _episodes(service, spread, hyper.check_episodes, np.random.default_rng((seed, 2)))
    best, reward = None, math.nan
    plan, count = build_plan(Kind.PRICE, price), hyper.first_episodes
    with ThreadPoolExecutor(2) as threads:
        for step in range(1, hyper.steps + 1):
            if (step - 1) % hyper.round_steps == 0:
                played = functools.partial(_played, service, spread, hyper, plan)
                for new in threads.map(played, rng.spawn(count)):
                    learner.replay.add(new)
                if step == 1:
                    learner.imitate(price, service.pool.grace_factor)
                plan, count = build_plan(Kind.LEARNED, price, learner.network()), hyper.round_episodes
            learner.learn()
            if step % hyper.check_steps == 0 or step == hyper.steps:
                found = _checkpoint(learner, price, checks, step, seed)
                best, reward = found if best is None or found.reward > best.reward else best, found.reward
            if step % hyper.round_steps == 0:
                report(Progress(step, hyper.steps, reward))
    assert best is not None, "the last step is a checkpoint"
    return best


def _checkpoint(learner: Learner, price: Parameters, checks: Sequence[Episode], step: int, seed: int) -> Trained:
    network = learner.network()
    reward = mean_reward(checks, build_plan(Kind.LEARNED, price, network))
    batch = learner.replay.sample(CHECKED, torch.Generator().manual_seed(seed))[0].numpy()
    return Trained(network, reward, step, copy.deepcopy(learner.target.sizes), batch)


def _played(service: Service, spread: Spread, hyper: Hyper, plan: Plan, rng: np.random.Generator) -> Transitions:
    return play(draw_episode(service, spread, rng), plan, hyper, service.deadline_s, rng)


def _episodes(service: Service, spread: Spread, count: int, rng: np.random.Generator) -> Sequence[Episode]:
    return [draw_episode(service, spread, rng) for _ in range(count)]
