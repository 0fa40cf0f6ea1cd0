"""CMA-ES (Hansen, The CMA Evolution Strategy: A Tutorial, 2016): the search behind all tuned numbers. Numpy only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Played = TypeVar("Played")
    """What a point is valued on."""
    Values = Callable[[NDArray[np.float64], Sequence[Played]], NDArray[np.float64]]
    """Of each row of points, the mean over what it is valued on."""

__all__ = ["Climbed", "Search", "Strategy", "climb"]

SMALLEST = 1e-20
"""Of an eigenvalue of the covariance."""


@dataclass(frozen=True, slots=True)
class Search:
    """How long and how wide to search."""

    rounds: int = 20
    candidates: int = 8
    """In each round."""
    renewed: int = 1
    """Rounds after which what candidates are valued on is drawn anew."""
    check_rounds: int = 1
    """Rounds between checkpoints."""


class Climbed(NamedTuple):
    """A point on the way, its value on what checkpoints are judged by, and after how many rounds it was reached."""

    point: NDArray[np.float64]
    value: float
    round: int


def climb(
    strategy: Strategy,
    search: Search,
    values: Values[Played],
    draw: Callable[[], Sequence[Played]],
    checks: Sequence[Played],
    report: Callable[[Climbed], None] = lambda _: None,
) -> Climbed:
    """Return the best checkpoint by `checks`, the start among them; `report` hears the last one after every round.

    All candidates of a round are valued on the same draw. Checkpoints are the means of the search.
    """

    def reached(number: int) -> Climbed:
        return Climbed(strategy.mean, float(values(strategy.mean[None], checks)[0]), number)

    best = latest = reached(0)
    drawn: Sequence[Played] = ()
    for number in range(1, search.rounds + 1):
        if (number - 1) % search.renewed == 0:
            drawn = draw()
        strategy.learn(values(strategy.draw(), drawn))
        if number % search.check_rounds == 0 or number == search.rounds:
            latest = reached(number)
            best = latest if latest.value > best.value else best
        report(latest._replace(round=number))
    return best


class Strategy:
    """A search for the point with the greatest value: `draw` candidates, value them all, `learn` from their values.

    `spread` is the first standard deviation of each number; one with 0 stays. Candidates come in pairs around the mean.
    """

    def __init__(
        self, start: NDArray[np.float64], spread: NDArray[np.float64], candidates: int, rng: np.random.Generator
    ) -> None:
        self.sought = np.flatnonzero(spread)
        n, kept = self.sought.size, max(candidates // 2, 1)
        weights = math.log(kept + 0.5) - np.log(np.arange(1, kept + 1))
        self.weights = weights / weights.sum()
        mass = 1.0 / float((self.weights**2).sum())
        self.mean, self.spread, self.step = start.astype(np.float64), spread[self.sought].astype(np.float64), 1.0
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
        half = self.rng.normal(size=(self.pairs, self.sought.size))
        self.drawn = (np.concatenate([half, -half]) * self.lengths) @ self.axes.T
        return self._moved(self.drawn)

    def _moved(self, by: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean moved by each row, in steps."""
        points = np.tile(self.mean, (by.shape[0], 1))
        points[:, self.sought] += self.spread * self.step * by
        return points

    def learn(self, values: NDArray[np.float64]) -> None:
        """Move mean, step and covariance towards the candidates drawn last that have the greatest values."""
        self.rounds += 1
        best = self.drawn[np.argsort(-values, kind="stable")[: self.weights.size]]
        move = self.weights @ best
        self.mean = self._moved(move[None])[0]
        white = self.axes @ ((self.axes.T @ move) / self.lengths)
        kept = 1 - self.step_rate
        self.step_path = kept * self.step_path + math.sqrt(self.step_rate * (2 - self.step_rate) * self.mass) * white
        length = float(np.linalg.norm(self.step_path))
        steady = length / math.sqrt(1 - kept ** (2 * self.rounds)) < (1.4 + 2 / (self.sought.size + 1)) * self.expected
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
