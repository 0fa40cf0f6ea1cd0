"""CMA-ES (Hansen, The CMA Evolution Strategy: A Tutorial, 2016): the search behind all tuned numbers. Numpy only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Strategy"]

SMALLEST = 1e-20
"""Of an eigenvalue of the covariance."""


class Strategy:
    """A search for the point with the greatest value: `draw` candidates, value them all, `learn` from their values.

    `spread` is the first standard deviation of each number. Candidates come in pairs around the mean.
    """

    def __init__(
        self, start: NDArray[np.float64], spread: NDArray[np.float64], candidates: int, rng: np.random.Generator
    ) -> None:
        n, kept = start.size, max(candidates // 2, 1)
        weights = math.log(kept + 0.5) - np.log(np.arange(1, kept + 1))
        self.weights = weights / weights.sum()
        mass = 1.0 / float((self.weights**2).sum())
        self.mean, self.spread, self.step = start.astype(np.float64), spread.astype(np.float64), 1.0
        self.pairs, self.rng, self.mass, self.rounds = max(candidates // 2, 1), rng, mass, 0
        self.path_rate = (4 + mass / n) / (n + 4 + 2 * mass / n)
        self.step_rate = (mass + 2) / (n + mass + 5)
        self.one_rate = 2 / ((n + 1.3) ** 2 + mass)
        self.rank_rate = min(1 - self.one_rate, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        self.damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + self.step_rate
        self.expected = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        self.covariance, self.axes, self.lengths = np.eye(n), np.eye(n), np.ones(n)
        self.path, self.step_path, self.drawn = np.zeros(n), np.zeros(n), np.empty((0, n))

    def draw(self) -> NDArray[np.float64]:
        """Return the candidates of a round, (candidates, numbers)."""
        half = self.rng.normal(size=(self.pairs, self.mean.size))
        self.drawn = (np.concatenate([half, -half]) * self.lengths) @ self.axes.T
        points: NDArray[np.float64] = self.mean + self.spread * self.step * self.drawn
        return points

    def learn(self, values: NDArray[np.float64]) -> None:
        """Move mean, step and covariance towards the candidates drawn last that have the greatest values."""
        self.rounds += 1
        best = self.drawn[np.argsort(-values, kind="stable")[: self.weights.size]]
        move = self.weights @ best
        self.mean = self.mean + self.spread * self.step * move
        white = self.axes @ ((self.axes.T @ move) / self.lengths)
        kept = 1 - self.step_rate
        self.step_path = kept * self.step_path + math.sqrt(self.step_rate * (2 - self.step_rate) * self.mass) * white
        length = float(np.linalg.norm(self.step_path))
        steady = length / math.sqrt(1 - kept ** (2 * self.rounds)) < (1.4 + 2 / (self.mean.size + 1)) * self.expected
        gain = math.sqrt(self.path_rate * (2 - self.path_rate) * self.mass) if steady else 0.0
        self.path = (1 - self.path_rate) * self.path + gain * move
        self.step *= math.exp(min(1.0, self.step_rate / self.damping * (length / self.expected - 1)))
        self._turn(best, steady=steady)

    def _turn(self, best: NDArray[np.float64], *, steady: bool) -> None:
        lost = 0.0 if steady else self.path_rate * (2 - self.path_rate)
        one = np.outer(self.path, self.path) + lost * self.covariance
        rank = (best.T * self.weights) @ best
        kept = 1 - self.one_rate - self.rank_rate
        self.covariance = kept * self.covariance + self.one_rate * one + self.rank_rate * rank
        squares, self.axes = np.linalg.eigh(0.5 * (self.covariance + self.covariance.T))
        self.lengths = np.sqrt(np.maximum(squares, SMALLEST))
