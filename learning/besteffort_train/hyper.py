"""The hyper-parameters of the Double DQN. The paper states none that we know of: all are ours."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hyper"]


@dataclass(frozen=True, slots=True)
class Hyper:
    """The hyper-parameters; the defaults are those of the published policies."""

    hidden: int = 64
    """Width of both hidden layers."""
    steps: int = 6_000
    """Gradient steps. The curve of validation peaks within them; 42,000 found nothing better."""
    batch: int = 256
    """Transitions in a gradient step."""
    learning_rate: float = 5e-4
    """Of Adam at first; it falls along a half cosine."""
    last_rate: float = 0.02
    """Learning rate at the end, as a share of that at first."""
    discount: float = 0.95
    """Of the next decision's reward."""
    span: int = 16
    """Decisions whose rewards are summed before the target network takes over."""
    explored: float = 0.03
    """Share of the decisions that are random."""
    target_gain: float = 0.003
    """Share by which the target network, which also plays, follows in each step."""
    replay: int = 200_000
    """Transitions kept."""
    first_episodes: int = 64
    """Episodes played before the first step."""
    round_steps: int = 200
    """Steps between plays."""
    round_episodes: int = 4
    """Episodes in a play."""
    taken: int = 2_048
    """Most transitions that are taken from one episode."""
    check_steps: int = 200
    """Steps between checkpoints."""
