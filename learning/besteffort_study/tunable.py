"""The entrants that have numbers to tune, and where the search for each begins. Values only."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from besteffort_core.policy import Kind
from besteffort_sim.choice import build_plan
from besteffort_study.contestants import Ruled
from besteffort_study.planned import Planned
from besteffort_study.rules.plan import LMETRIC, ROUTE_BALANCE, SLACK_FIT, TWO_CHOICES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from besteffort_study.entrant import Entrant

__all__ = ["RULES", "TABLE_NAME", "Start"]

TABLE_NAME = "RAMSIS-like"


class Start(NamedTuple):
    """What makes an entrant of numbers, the numbers that the search begins with, and their first spread."""

    build: Callable[[NDArray[np.float64]], Entrant]
    point: tuple[float, ...]
    spread: tuple[float, ...]


def _planned(kind: Kind, numbers: NDArray[np.float64]) -> Entrant:
    return Planned(build_plan(kind, numbers))


def _core(kind: Kind, point: tuple[float, ...], spread: tuple[float, ...]) -> Start:
    return Start(functools.partial(_planned, kind), point, spread)


def _study(rule: int, point: tuple[float, ...], spread: tuple[float, ...]) -> Start:
    return Start(functools.partial(Ruled, rule), point, spread)


RULES = {
    Kind.PRICE.value: _core(Kind.PRICE, (-2.0, 0.3, 2.0, 0.1), (1.0, 0.3, 1.5, 0.1)),
    Kind.GREEDY.value: _core(Kind.GREEDY, (1.5, 0.1), (0.7, 0.2)),
    Kind.LADDER.value: _core(Kind.LADDER, (0.2, 0.5), (0.2, 0.3)),
    "SlackFit-like": _study(SLACK_FIT, (1.0, 0.1), (0.7, 0.2)),
    "RouteBalance-like": _study(ROUTE_BALANCE, (-1.5, -1.0, -2.0), (1.0, 1.0, 1.0)),
    "LMetric-like": _study(LMETRIC, (1.5, 0.1), (0.7, 0.2)),
    "Two choices": _study(TWO_CHOICES, (1.5, 0.1), (0.7, 0.2)),
}
