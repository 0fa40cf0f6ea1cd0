"""The hyper-parameters of the training."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hyper"]


@dataclass(frozen=True, slots=True)
class Hyper:
    """The hyper-parameters; the defaults are those of the published policy."""

    hidden: int = 64
    """Width of both hidden layers."""
    steps: int = 8_000
    """Gradient steps."""
    batch: int = 1024
    """Transitions in a gradient step."""
    learning_rate: float = 3e-4
    """Of Adam at first; it falls along a half cosine."""
    last_rate: float = 0.01
    """Learning rate at the end, as a share of that at first."""
    late_cost: float = 0.2
    """What a request that misses its deadline costs, in rewards: training pays for availability, reports do not."""
    horizon: float = 6.0
    """Time constant of the discount, in default deadlines."""
    span: float = 2.0
    """Time over which rewards are summed before the target network takes over, in default deadlines."""
    boot: float = 1.0
    random_per_deadline: float = 3.0
    """Random decisions in the time of one deadline."""
    random_share: float = 0.2
    """Greatest share of random decisions, which counts where requests are few."""
    imitation_steps: int = 3_000
    """Steps in which the network first learns to score sizes as Price does."""
    imitation_rate: float = 2e-3
    """Learning rate of these; it falls along a half cosine."""
    load_scale: float = 64.0
    """Errors count 1 / (1 + arrivals per deadline / load_scale) times: returns are the noisier, the more they sum."""
    target_gain: float = 0.003
    """Share by which the target network, which also plays, follows in each step."""
    replay: int = 400_000
    """Transitions kept."""
    first_episodes: int = 128
    """Episodes played before the first step."""
    round_steps: int = 50
    """Steps between plays."""
    round_episodes: int = 20
    """Episodes in a play."""
    check_steps: int = 500
    """Steps between checkpoints."""
    check_episodes: int = 64
    """Episodes that a checkpoint is judged by."""
