"""What decides in a rule of the study: its number, its own numbers, its table. One type for all: one compilation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EXPIRY",
    "LMETRIC",
    "NO_NUMBERS",
    "NO_TABLE",
    "ROUTE_BALANCE",
    "SLACK_FIT",
    "TABULAR",
    "TWO_CHOICES",
    "UNIFORM",
    "RulePlan",
    "build_rule_plan",
]

EXPIRY, UNIFORM, TWO_CHOICES, LMETRIC, ROUTE_BALANCE, SLACK_FIT, TABULAR = range(7)
NO_NUMBERS, NO_TABLE = np.empty(0), np.empty((0, 0))


class RulePlan(NamedTuple):
    """A rule by number, with what it decides by."""

    rule: int
    numbers: NDArray[np.float64]
    """What tuning finds; each rule says what they are."""
    table: NDArray[np.float64]
    """Of `SLACK_FIT` (buckets, 1): sizes; of `TABULAR` (states, sizes): values."""
    groups: NDArray[np.int64]
    """(devices,): the devices whose backlogs `TABULAR` counts as one have the same number."""
    states: NDArray[np.int64]
    """(n,) or (0,): where `TABULAR` writes the state of each decision, and the size that it tried."""
    tried: NDArray[np.int64]


def build_rule_plan(
    rule: int,
    numbers: NDArray[np.float64] = NO_NUMBERS,
    table: NDArray[np.float64] = NO_TABLE,
    *,
    groups: NDArray[np.int64] | None = None,
    recorded: int = 0,
) -> RulePlan:
    """Return the plan of a rule; `recorded` is the number of requests whose decisions shall be written down."""
    none = np.empty(0, dtype=np.int64)
    notes = np.full((2, recorded), -1, dtype=np.int64)
    return RulePlan(
        rule, numbers.astype(np.float64), table, none if groups is None else groups, notes[0].copy(), notes[1].copy()
    )
