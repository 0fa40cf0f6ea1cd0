"""Records over time: rates in a window that slides over the replay. Pure; time is the scheduled arrival."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.record import Outcome, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Scene", "Turn", "instants_s", "mean_reward_rps", "offered_rps", "reward_rps", "size_shares", "total_shares"]

_WIDTH_S = 1.0
_STEP_S = 0.25


@dataclass(frozen=True)
class Turn:
    """One policy's records, of all its rounds together."""

    name: str
    records: Sequence[Record]
    rounds: int = 1
    size: str = ""
    """For a static policy: its size, whose colour it gets."""


@dataclass(frozen=True)
class Scene:
    """All that the picture shows; the first turn is the one it is about."""

    title: str
    measured: str
    """What was measured, on what, in a sentence or two."""
    sizes: tuple[str, ...]
    """From the best quality down."""
    capacities_rps: dict[str, float]
    length_s: float
    turns: tuple[Turn, ...]


def instants_s(length_s: float) -> NDArray[np.float64]:
    """Return the middles of the windows."""
    return np.arange(0.0, length_s + 1e-9, _STEP_S)


def offered_rps(turn: Turn, length_s: float) -> NDArray[np.float64]:
    """Return requests per second of one round."""
    return _rates(turn, np.ones(len(turn.records)), length_s)


def reward_rps(turn: Turn, length_s: float) -> NDArray[np.float64]:
    """Return right answers in time, per second of one round."""
    return _rates(turn, _earned(turn), length_s)


def mean_reward_rps(turn: Turn, length_s: float) -> float:
    """Return right answers in time per second, over the whole of a round."""
    return float(_earned(turn).sum()) / (length_s * turn.rounds)


def _earned(turn: Turn) -> NDArray[np.float64]:
    return np.array([record.right and record.outcome is Outcome.IN_TIME for record in turn.records], float)


def size_shares(turn: Turn, sizes: Sequence[str], length_s: float) -> NDArray[np.float64]:
    """Return (sizes, instants): the share of the offered requests that each size answered in time."""
    offered = np.maximum(offered_rps(turn, length_s), 1e-9)
    shares = [_rates(turn, _answered(turn, size), length_s) / offered for size in sizes]
    return np.array(shares).reshape(len(sizes), len(offered))


def total_shares(turn: Turn, sizes: Sequence[str]) -> list[float]:
    """Return the share of all offered requests that each size answered in time."""
    return [float(_answered(turn, size).sum()) / max(len(turn.records), 1) for size in sizes]


def _answered(turn: Turn, size: str) -> NDArray[np.float64]:
    return np.array([record.size == size and record.outcome is Outcome.IN_TIME for record in turn.records], float)


def _rates(turn: Turn, weights: NDArray[np.float64], length_s: float) -> NDArray[np.float64]:
    """Sum weights in each window, cut at both ends of the replay, per second and round."""
    offsets_s = np.array([record.offset_s for record in turn.records])
    order = np.argsort(offsets_s, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    middle_s = instants_s(length_s)
    left_s = np.maximum(middle_s - _WIDTH_S / 2, 0.0)
    right_s = np.minimum(middle_s + _WIDTH_S / 2, length_s)
    first, last = np.searchsorted(offsets_s[order], (left_s, right_s))
    rates: NDArray[np.float64] = (total[last] - total[first]) / (right_s - left_s)
    return rates / turn.rounds
