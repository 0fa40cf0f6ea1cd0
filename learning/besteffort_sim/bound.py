"""The clairvoyant bound: no policy, even one that knows all arrivals, earns more than this from a workload.

The requests buy device seconds in time bins (see `market`). For any prices p >= 0 of those bins,

    sum over requests of max(0, max over sizes, groups and finishing bins of worth - cost x least price until then)
    + sum over bins of price x capacity

is at least what any plan earns: a plan that serves request k at worth w with c seconds in its window pays at least
c x the least price there, so w is at most the k-th term plus what it pays, and all pay at most the last sum. This is
the Lagrangian dual of the relaxation in which work can be split and interrupted and all batches are full. It is valid
whatever the prices; here they are made to fit by a subgradient method without randomness: same input, same output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_sim.auction import descend, priced
from besteffort_sim.compiled import compiled
from besteffort_sim.errors import SimulationError
from besteffort_sim.market import Market, build_market
from besteffort_sim.report import peaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload, World

__all__ = ["Bound", "best_prices", "dual_value", "reachable_share", "upper_bound"]

WORK = 30_000_000
"""Rounds times requests and prices: what takes about a second."""
ROUNDS = (100, 2000)
"""The fewest and the most rounds of a workload: a large one settles sooner, since each price is the wish of many."""


class Bound(NamedTuple):
    """What no policy exceeds, and the prices that prove it."""

    reward: float
    """The sum over all requests, not their mean."""
    prices: NDArray[np.float64]
    """(groups, bins): reward per device second."""
    progress: NDArray[np.float64]
    """(rounds,): the least bound after each round."""


def upper_bound(pool: Pool, world: World, workload: Workload) -> Bound:
    """Return a bound on the reward of any policy in `simulate`, summed over the workload.

    Raises:
        SimulationError: no requests.
    """
    return best_prices(build_market(pool, world, workload))


def best_prices(market: Market, rounds: int = 0) -> Bound:
    """Return the least bound found in so many rounds, and its prices; 0 for as many as fit the size of the market."""
    size = market.start.size + market.capacity_s.size * market.bins
    rounds = rounds or min(max(WORK // size, ROUNDS[0]), ROUNDS[1])
    reward, prices, progress = compiled(descend)(market, rounds)
    return Bound(float(reward), prices, progress)


def dual_value(market: Market, prices: NDArray[np.float64]) -> float:
    """Return the bound that any prices >= 0 prove, (groups, bins)."""
    value: float = compiled(priced)(market, np.asarray(prices, dtype=np.float64))
    return value


def reachable_share(pool: Pool, world: World, workload: Workload, part: float, window_s: float = 10.0) -> float:
    """Return the share of windows, by arrival, in which some policy may earn that part of peak: all at the best size.

    Each window has the devices to itself, free of the requests before and after it: a loose bound.

    Raises:
        SimulationError: no requests.
    """
    if workload.arrival_s.size == 0:
        raise SimulationError("bound: it needs at least one request")
    window = (workload.arrival_s / window_s).astype(np.int64)
    peak = peaks(pool, workload)
    reached = [
        upper_bound(pool, world, _only(workload, window == number)).reward >= part * peak[window == number].sum()
        for number in np.unique(window)
    ]
    return float(np.mean(reached))


def _only(workload: Workload, kept: NDArray[np.bool_]) -> Workload:
    """Return the workload of some of the requests; any of the others may lead their batches, so all have its noise."""
    noise = np.full_like(workload.noise, workload.noise.min())
    fields = workload._replace(noise=noise)._asdict()
    return workload._replace(**{name: field[kept] for name, field in fields.items() if field.size})
