"""The smallest result of a study: one policy in one round. Values only, and their form as a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import TypeAdapter

__all__ = ["BOUND", "Cell", "Played", "Round", "cell_from_line", "line_from_cell"]

BOUND = "bound"
"""Stands where a policy's name does, in the cell that holds the clairvoyant bound of a round."""


class Round(NamedTuple):
    """One draw of requests, which every entrant meets."""

    scenario: str
    layout: str
    workload: str
    load: float
    """Mean arrivals per second, in load units."""
    seed: int


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the requests of a round under one policy; shares are of the offered unless said."""

    in_time: float
    late: float
    refused: float
    p50_s: float | None
    """Latencies of those answered; None where there is none."""
    p95_s: float | None
    p99_s: float | None
    sizes: tuple[float, ...]
    """Share of each size among those answered."""
    windows: tuple[float, ...]
    """Share of the windows at or above a part of their peak, for each of `windows.ASKED`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy in one round: a function of the round, the policy's digest and the source alone."""

    round: Round
    policy: str
    digest: str
    """Of source, policy and everything else that the figures follow from."""
    offered: int
    reward: float
    """Mean worth of a request, the lost ones counted as 0; of the bound: no policy can have more."""
    peak: float
    """Mean worth if the best size answered every request in time."""
    bounded: bool = True
    """Whether the round's bound holds for this policy."""
    played: Played | None = None
    """None for the bound."""
    series: tuple[float, ...] = ()
    """Reward of what arrives in each second, for the bound the peak of it; kept for seed 0 only."""


_CELL = TypeAdapter(Cell)


def line_from_cell(cell: Cell) -> str:
    """Return the cell as one line of JSON without its end; floats keep every digit."""
    return _CELL.dump_json(cell).decode()


def cell_from_line(line: str) -> Cell:
    """Return the cell of a line.

    Raises:
        ValueError: it is no whole line, or of another version.
    """
    return _CELL.validate_json(line)
