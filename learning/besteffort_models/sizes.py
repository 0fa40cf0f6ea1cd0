"""The hyper-parameters of the three demo models."""

from __future__ import annotations

from dataclasses import dataclass

from besteffort_models.tasks import Working

__all__ = ["SIZES", "Size"]


@dataclass(frozen=True)
class Size:
    """One model: its shape, its limits when served, and how it is trained."""

    name: str
    width: int
    layers: int
    heads: int
    working: Working
    max_new_tokens: int
    steps: int
    decay_steps: int
    batch: int
    pieces: int  # A batch is cut by length into so many pieces, so that little of it is padding.
    matrix_learning_rate: float
    learning_rate: float
    max_prompt_chars: int = 32
    warm_up_steps: int = 100
    weight_decay: float = 0.05
    seed: int = 7

    @property
    def positions(self) -> int:
        """Return how many tokens fit: the opening one, the prompt and the output."""
        return 1 + self.max_prompt_chars + self.max_new_tokens


SIZES = {
    size.name: size
    for size in (
        Size(
            name="small",
            width=32,
            layers=2,
            heads=2,
            working=Working.NONE,
            max_new_tokens=24,
            steps=2_500,
            decay_steps=1_500,
            batch=128,
            pieces=2,
            matrix_learning_rate=2e-2,
            learning_rate=2e-3,
        ),
        Size(
            name="medium",
            width=192,
            layers=6,
            heads=6,
            working=Working.BRIEF,
            max_new_tokens=24,
            steps=800,
            decay_steps=1_600,
            batch=64,
            pieces=2,
            matrix_learning_rate=2e-2,
            learning_rate=1e-3,
        ),
        Size(
            name="large",
            width=256,
            layers=6,
            heads=8,
            working=Working.FULL,
            max_new_tokens=104,
            steps=1_300,
            decay_steps=800,
            batch=48,
            pieces=3,
            matrix_learning_rate=2e-2,
            learning_rate=1e-3,
        ),
    )
}
