"""From cells to what a report says: every policy at every load and over groups of loads, and how far ours is ahead.

Pure. "of peak" is mean reward over what the best size would earn if it always answered in time; "of the bound" is the
mean reward over the mean of the clairvoyant bounds of the same rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_study.cell import BOUND
from besteffort_study.grid import Load
from besteffort_study.statistics import TIE, Paired, over_seeds, paired
from besteffort_study.windows import ASKED
from besteffort_train.evaluation import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from besteffort_study.cell import Cell

__all__ = ["Block", "Comparison", "Row", "Table", "build_table", "compare"]


@dataclass(frozen=True, slots=True)
class Row:
    """One policy over the rounds of a table; for the bound all but the first two is None or empty."""

    policy: str
    of_peak: Interval
    of_bound: Interval | None
    """None where the bound does not hold for the policy."""
    in_time: float | None = None
    """Share of the offered, as the next two."""
    late: float | None = None
    refused: float | None = None
    p95_s: float | None = None
    """Mean over the rounds in which anything was answered; None where there is none."""
    sizes: tuple[float, ...] = ()
    """Share of each size among those answered."""
    windows: tuple[Interval, ...] = ()
    """Share of the windows that reach a part of their peak, for each of `windows.ASKED`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our policy and another one on the same requests, in parts of peak."""

    other: str
    ours: float
    theirs: float
    paired: Paired


@dataclass(frozen=True, slots=True)
class Table:
    """All policies over one load or a group of loads, each of which counts alike."""

    name: str
    loads: tuple[Load, ...]
    rows: tuple[Row, ...]
    """The entrants in their order, the bound last."""
    comparisons: tuple[Comparison, ...]
    violations: int
    """Runs in which a policy earned more than a bound that holds for it: a mistake in one of the two."""


class Block:
    """The cells of one setting, by policy, load and seed."""

    def __init__(self, policies: Sequence[str], cells: Iterable[Cell]) -> None:
        self.policies = tuple(policies)
        self._cells = {
            (cell.policy, Load(cell.round.workload, cell.round.load), cell.round.seed): cell for cell in cells
        }
        self._seeds = 1 + max(seed for _, _, seed in self._cells)

    def cells(self, policy: str, loads: Sequence[Load]) -> list[list[Cell]]:
        """Return the cells of a policy, a list of seeds for each load."""
        return [[self._cells[policy, load, seed] for seed in range(self._seeds)] for load in loads]

    def values(self, policy: str, loads: Sequence[Load], of: Callable[[Cell], float]) -> NDArray[np.float64]:
        """Return a figure of each run of a policy, (loads, seeds)."""
        return np.array([[of(cell) for cell in row] for row in self.cells(policy, loads)])

    def of_peak(self, policy: str, loads: Sequence[Load]) -> NDArray[np.float64]:
        """Return reward over peak of each run of a policy, (loads, seeds)."""
        return self.values(policy, loads, lambda cell: cell.reward / cell.peak)


def build_table(name: str, loads: Sequence[Load], block: Block) -> Table:
    """Return the table of some loads of a setting; the first policy is ours."""
    everyone = (*block.policies, BOUND)
    return Table(
        name,
        tuple(loads),
        rows=tuple(_row(policy, loads, block) for policy in everyone),
        comparisons=tuple(compare(block.policies[0], other, loads, block) for other in block.policies[1:]),
        violations=sum(_violations(policy, loads, block) for policy in everyone),
    )


def compare(ours: str, other: str, loads: Sequence[Load], block: Block) -> Comparison:
    """Compare two policies of a setting on the same requests."""
    first, second = block.of_peak(ours, loads), block.of_peak(other, loads)
    return Comparison(other, float(first.mean()), float(second.mean()), paired(first, second))


def _row(policy: str, loads: Sequence[Load], block: Block) -> Row:
    of_peak, of_bound = over_seeds(block.of_peak(policy, loads)), _of_bound(policy, loads, block)
    found = [[cell.played for cell in row if cell.played] for row in block.cells(policy, loads)]
    runs = [played for row in found for played in row]
    if not runs:
        return Row(policy, of_peak, of_bound)
    p95_s = [played.p95_s for played in runs if played.p95_s is not None]
    return Row(
        policy,
        of_peak,
        of_bound,
        in_time=float(np.mean([played.in_time for played in runs])),
        late=float(np.mean([played.late for played in runs])),
        refused=float(np.mean([played.refused for played in runs])),
        p95_s=float(np.mean(p95_s)) if p95_s else None,
        sizes=tuple(np.mean([played.sizes for played in runs], axis=0).tolist()),
        windows=tuple(
            over_seeds(np.array([[played.windows[k] for played in row] for row in found])) for k in range(len(ASKED))
        ),
    )


def _of_bound(policy: str, loads: Sequence[Load], block: Block) -> Interval | None:
    """Return the ratio of two means for each seed, over seeds."""
    if not all(cell.bounded for row in block.cells(policy, loads) for cell in row):
        return None
    earned, bound = block.of_peak(policy, loads), block.of_peak(BOUND, loads)
    return interval(earned.mean(axis=0) / bound.mean(axis=0))


def _violations(policy: str, loads: Sequence[Load], block: Block) -> int:
    bounded = block.values(policy, loads, lambda cell: cell.bounded)
    above = block.of_peak(policy, loads) > block.of_peak(BOUND, loads) + TIE
    return int((above & (bounded > 0)).sum())
