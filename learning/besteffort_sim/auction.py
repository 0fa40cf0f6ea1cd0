"""Prices that rise where a market asks for more than there is, and what they prove. Compiled; `bound` says why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_sim.market import Market

__all__ = ["descend", "priced"]

STEPS = (1.0, 0.003)
"""Largest change of the logarithm of a price, in the first round and in the last."""
SPREADS = (0.5, 0.003)
"""Work is spread over bins whose prices differ by less than this part, in the first round and in the last."""
MEMORY = 0.9
LOWEST, HIGHEST = -20.0, 9.0
"""Of the logarithm of a price, against that at which all capacity costs what all requests can earn."""


class Tables(NamedTuple):
    """Entry [group, level, bin] is about the 2^level bins from there on."""

    price: NDArray[np.float64]
    """The least price among them."""
    load_s: NDArray[np.float64]
    """Seconds of work that go to the cheapest of them."""
    logarithm: NDArray[np.float64]
    """(groups, bins): of the prices."""
    mean: NDArray[np.float64]
    """(groups, bins): of the latest excess capacities."""
    square: NDArray[np.float64]
    """(groups, bins): of their squares."""


def descend(market: Market, rounds: int) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """As `best_prices`, interpreted unless compiled."""
    tables, progress = _build_tables(market), np.empty(rounds)
    best, prices = np.inf, np.zeros((market.hosts.shape[0], market.bins))
    middle = math.log(max(market.value.sum(), 1e-9) / (market.capacity_s.sum() * market.bins))
    tables.logarithm[:] = middle
    for done in range(rounds):
        spread, step = _between(SPREADS, done / rounds), _between(STEPS, done / rounds)
        _price(tables)
        value = _value(market, tables, spread)
        if value < best:
            best, prices[:] = value, tables.price[:, 0]
        progress[done] = best
        _gather(tables, spread)
        _move(market, tables, step / (1.0 - MEMORY ** (done + 1)) ** 0.5, middle)
    return best, prices, progress


def priced(market: Market, prices: NDArray[np.float64]) -> float:
    """As `dual_value`, interpreted unless compiled."""
    tables = _build_tables(market)
    tables.price[:, 0] = prices
    _tabulate(tables)
    return _value(market, tables, SPREADS[1])


def _build_tables(market: Market) -> Tables:
    longest = max((market.due - market.start).max() + 1, (market.end - market.due).max())
    levels = 1
    while (1 << levels) <= longest:
        levels += 1
    shape = (market.hosts.shape[0], market.bins)
    table = np.zeros((shape[0], levels, shape[1]))
    return Tables(table, np.zeros_like(table), np.zeros(shape), np.zeros(shape), np.zeros(shape))


def _price(tables: Tables) -> None:
    for group in range(tables.logarithm.shape[0]):
        for one in range(tables.logarithm.shape[1]):
            tables.price[group, 0, one] = math.exp(tables.logarithm[group, one])
    _tabulate(tables)


def _tabulate(tables: Tables) -> None:
    """Fill the tables with the least price of every run of 2^level bins."""
    table = tables.price
    for group in range(table.shape[0]):
        for level in range(1, table.shape[1]):
            half, last = 1 << (level - 1), table.shape[2] - (1 << (level - 1))
            for first in range(last):
                table[group, level, first] = min(table[group, level - 1, first], table[group, level - 1, first + half])
            for first in range(last, table.shape[2]):
                table[group, level, first] = table[group, level - 1, first]


def _level(length: int) -> int:
    """Return the level of the two runs that cover so many bins."""
    level = 0
    while (2 << level) <= length:
        level += 1
    return level


def _value(market: Market, tables: Tables, spread: float) -> float:
    """Return the bound that the prices prove, and put the work that they attract into the tables."""
    tables.load_s[:] = 0.0
    total = 0.0
    for group in range(market.hosts.shape[0]):
        total += market.capacity_s[group] * tables.price[group, 0].sum()
    for k in range(market.start.shape[0]):
        total += _serve(market, tables, spread, k)
    return total


def _serve(market: Market, tables: Tables, spread: float, k: int) -> float:
    """Return the most that a request can earn beyond what it pays, and put its work where it is cheapest."""
    level, most, chosen, where, at = _level(market.due[k] - market.start[k] + 1), 0.0, -1, -1, -1
    first, last = market.start[k], market.due[k] - (1 << level) + 1
    for group in range(market.hosts.shape[0]):
        price = min(tables.price[group, level, first], tables.price[group, level, last])
        size, gain = _best_size(market, (k, group), price, 1.0)
        if gain > most:
            most, chosen, where, at = gain, size, group, -1
        if market.due[k] == market.end[k] or not _may_pay(market, tables, (k, group), price, most):
            continue
        for late in range(market.due[k] + 1, market.end[k] + 1):
            if tables.price[group, 0, late] < price:
                price = tables.price[group, 0, late]
                worth = 1.0 - (late * market.bin_s - market.due_s[k]) / market.fade_s[k]
                size, gain = _best_size(market, (k, group), price, min(worth, 1.0))
                if gain > most:
                    most, chosen, where, at = gain, size, group, late
    if chosen >= 0 and at >= 0:
        tables.load_s[where, 0, at] += market.cost_s[k, chosen]
    elif chosen >= 0:
        _split(tables, (where, level), (first, last), market.cost_s[k, chosen], spread)
    return most


def _may_pay(market: Market, tables: Tables, asked: tuple[int, int], price: float, most: float) -> bool:
    """Tell whether being late could earn a request more than `most`: if it cost no more than the least price then."""
    k, group = asked
    level, first = _level(market.end[k] - market.due[k]), market.due[k] + 1
    late = min(tables.price[group, level, first], tables.price[group, level, market.end[k] - (1 << level) + 1])
    return late < price and _best_size(market, asked, late, 1.0)[1] > most


def _best_size(market: Market, asked: tuple[int, int], price: float, worth: float) -> tuple[int, float]:
    """Return the size that earns a request most on a group, asked = (request, group), and how much; -1, 0 if none."""
    k, group = asked
    best, most = -1, 0.0
    for size in range(market.hosts.shape[1]):
        if market.hosts[group, size]:
            gain = worth * market.value[k, size] - price * market.cost_s[k, size]
            if gain > most:
                best, most = size, gain
    return best, most


def _split(tables: Tables, at: tuple[int, int], runs: tuple[int, int], load_s: float, spread: float) -> None:
    """Put work into the cheaper of two runs, at = (group, level), or into both where they cost about the same.

    Work that jumped between equal prices would make them swing; spread over nearly least prices it settles.
    """
    group, level = at
    one, other = runs
    one_price, other_price = tables.price[group, level, one], tables.price[group, level, other]
    share = 0.5 + (other_price - one_price) / max(spread * (one_price + other_price), 1e-300)
    share = min(max(share, 0.0), 1.0)
    tables.load_s[group, level, one] += share * load_s
    tables.load_s[group, level, other] += (1.0 - share) * load_s


def _gather(tables: Tables, spread: float) -> None:
    """Bring the work in all runs down to single bins."""
    load_s = tables.load_s
    for group in range(load_s.shape[0]):
        for level in range(load_s.shape[1] - 1, 0, -1):
            half, last = 1 << (level - 1), load_s.shape[2] - (1 << (level - 1))
            for first in range(last):
                if load_s[group, level, first] > 0.0:
                    _split(tables, (group, level - 1), (first, first + half), load_s[group, level, first], spread)
            for first in range(last, load_s.shape[2]):
                load_s[group, level - 1, first] += load_s[group, level, first]


def _move(market: Market, tables: Tables, step: float, middle: float) -> None:
    """Raise the prices of bins that attract more work than they hold, and lower the others (Adam on logarithms)."""
    for group in range(tables.mean.shape[0]):
        for one in range(tables.mean.shape[1]):
            excess = market.capacity_s[group] - tables.load_s[group, 0, one]
            mean = MEMORY * tables.mean[group, one] + (1.0 - MEMORY) * excess
            square = MEMORY * tables.square[group, one] + (1.0 - MEMORY) * excess**2
            moved = tables.logarithm[group, one] - step * mean / (math.sqrt(square) + 1e-12)
            tables.mean[group, one], tables.square[group, one] = mean, square
            tables.logarithm[group, one] = min(max(moved, middle + LOWEST), middle + HIGHEST)


def _between(ends: tuple[float, float], progress: float) -> float:
    """Return where between the first and the second a geometric sequence is after that part of its way."""
    return float(ends[0] * (ends[1] / ends[0]) ** progress)
