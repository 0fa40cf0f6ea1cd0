"""Double DQN (van Hasselt et al. 2016) on the compiled simulator, for the paper's state.

State and network are the core's; the learner is `perceptron`, and what it learns from is `experience`. It is as in the
textbook but for what is ours: the rewards of the next decisions are summed before the value of what follows (n steps);
that value is the best of what can be chosen there, since nobody chooses what is predicted too late; rewards are less
the peak; the target network follows softly and plays, with a constant share of random decisions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.dqn import Network, state_length
from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_train.experience import Replay, play
from besteffort_train.perceptron import apart, build_parameters, fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_sim.model import Plan
    from besteffort_train.episodes import Episode
    from besteffort_train.hyper import Hyper

__all__ = ["Course", "Learner", "Progress", "Trained", "everywhere", "train"]


class Course(NamedTuple):
    """What is trained on, and what judges a checkpoint."""

    tasks: int
    """Named ones."""
    sizes: int
    draw: Callable[[np.random.Generator], Episode]
    """A random episode."""
    judge: Callable[[Plan], float]
    """Mean reward on episodes that are not trained on."""


class Progress(NamedTuple):
    """How far training is."""

    step: int
    steps: int
    reward: float
    """Of the last checkpoint, NaN before the first."""


class Trained(NamedTuple):
    """The best checkpoint."""

    network: Network
    """Its range is that of all states played, and a little more."""
    reward: float
    step: int
    curve: tuple[tuple[int, float], ...]
    """Step and reward of every checkpoint."""


class Learner:
    """The networks and the transitions; its state is all that a step changes."""

    def __init__(self, course: Course, hyper: Hyper, rng: np.random.Generator) -> None:
        self.hyper, self.rng, self.steps = hyper, rng, 0
        length = state_length(course.tasks, course.sizes)
        self.parameters = build_parameters(length, hyper.hidden, course.sizes, rng)
        self.replay = Replay(hyper.replay, length, course.sizes)

    def learn(self, steps: int) -> None:
        """Take so many gradient steps; the target follows each."""
        chosen = self.rng.integers(0, self.replay.size, (steps, self.hyper.batch))
        rates = np.array([self.rate(self.steps + k) for k in range(steps)], dtype=np.float32)
        fit(self.parameters, self.replay.kept, chosen, self.steps, rates, self.hyper.target_gain)
        self.steps += steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        last = self.hyper.last_rate
        return self.hyper.learning_rate * (
            last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * step / self.hyper.steps))
        )

    def network(self) -> Network:
        """Return a copy of the network that plays, with the range of what was seen."""
        p, margin = self.parameters, 0.01 + 0.01 * (self.replay.high - self.replay.low)
        layers = [array.copy() for array in apart(p.target, p.inputs, p.hidden, p.actions)]
        return Network(*(*layers, self.replay.low - margin, self.replay.high + margin))


def train(course: Course, hyper: Hyper, *, seed: int, report: Callable[[Progress], None] = lambda _: None) -> Trained:
    """Return the checkpoint with the most reward; one seed makes one result, to the bit."""
    rng = np.random.default_rng((seed, 1))
    learner, best, curve, count = Learner(course, hyper, rng), None, [], hyper.first_episodes
    for step in range(hyper.round_steps, hyper.steps + 1, hyper.round_steps):
        plan = build_plan(Kind.DQN, network=everywhere(learner.network()))
        for own in rng.spawn(count):
            learner.replay.add(play(course.draw(own), plan, hyper, own))
        learner.learn(hyper.round_steps)
        count = hyper.round_episodes
        if step % hyper.check_steps == 0 or step == hyper.steps:
            network = learner.network()
            curve.append((step, course.judge(build_plan(Kind.DQN, network=network))))
            if best is None or curve[-1][1] > best.reward:
                best = Trained(network, curve[-1][1], step, ())
        report(Progress(step, hyper.steps, curve[-1][1] if curve else math.nan))
    assert best is not None, "the last step is a checkpoint"
    return best._replace(curve=tuple(curve))


def everywhere(network: Network) -> Network:
    """Return the network as it plays without the guard of its range."""
    infinite = np.full_like(network.low, np.inf)
    return network._replace(low=-infinite, high=infinite)
