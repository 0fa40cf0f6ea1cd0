"""The learned policy: one small network that scores each candidate (a size on one backend) with shared weights.

Score = quality x sigmoid(sharpness x (slack - margin)) - price x work, as Price has it, but here margin and log price
are a linear form plus a network of what is known of the candidate. All of that is relative (deadlines, shares,
differences of quality), so that one scorer fits any number of sizes, tasks and devices.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.latency import added_s, next_token_s, request_s, waiting_units, work_s
from besteffort_core.policies import PRICE_SHARPNESS
from besteffort_core.utility import worth_until_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Candidates, Pool, Request, Snapshot

__all__ = [
    "FEATURES",
    "OUTPUTS",
    "Scorer",
    "build_scorer",
    "choose_scored",
    "features",
    "layout_hash",
    "offered",
    "scores",
    "within",
]

FEATURES = (
    "finish",
    "log cost",
    "backlog",
    "mean backlog",
    "least backlog",
    "log load",
    "quality gap",
    "soonest finish",
    "opening",
    "generates",
    "generation log cost",
    "generation backlog",
    "generation mean backlog",
    "generation log load",
    "round",
    "round after",
    "log occupancy",
    "excess",
    "harm",
)
"""Of each candidate, in this order; seconds are in deadlines, and where it is a logarithm the name says so.

From "generates" on all are 0 but for a pool that generates; those that begin with "generation" but for a generation.
"""
OUTPUTS = ("log price", "margin")
FINISH, COST, BACKLOG, MEAN, LEAST, LOAD, GAP, SOONEST, OPENING = range(9)
GENERATES, OWN, ROUND, AFTER, OCCUPANCY, EXCESS, HARM = 9, 10, 14, 15, 16, 17, 18
REPEATED = (COST, BACKLOG, MEAN, LOAD)
"""What a generation is also told in columns of its own, from OWN on: to it they may mean something else."""
WIDTH = len(FEATURES)
MOST = 4.0
"""Deadlines beyond which more makes no difference."""
TINY = 1e-3
"""The least number that a logarithm is taken of."""
SHARPNESS, OPENED, HARMED = range(3)
SPARE, STEEPNESS = 0.25, 11.0
"""Slack, in deadlines, at which a generation is as likely late as not, and how steeply that changes with it."""
LONGEST = 1.6
"""The longest output that a full batch should still give in time, in expected outputs."""
HARM_WEIGHT = 0.3
"""Of a scorer that is not trained. With 1 a router keeps the model that it began with, on all devices, for ever."""
BEYOND = 0.1
"""How far beyond the trained range a feature may lie, in widths of that range, before the network is not asked."""


class Scorer(NamedTuple):
    """Output = x linear + bias + tanh(x inner + inner_bias) outer, float64, for the features x within low and high."""

    linear: NDArray[np.float64]
    """(features, outputs)"""
    bias: NDArray[np.float64]
    """(outputs,)"""
    inner: NDArray[np.float64]
    """(features, hidden)"""
    inner_bias: NDArray[np.float64]
    """(hidden,)"""
    outer: NDArray[np.float64]
    """(hidden, outputs)"""
    shape: NDArray[np.float64]
    """(3,): steepness of the soft "in time" step, in deadlines; weights of opening, as work, and of harm."""
    low: NDArray[np.float64]
    """(features,): the least and the greatest features seen in training; beyond them a feature counts as its limit."""
    high: NDArray[np.float64]


def layout_hash() -> str:
    """Return the SHA-256 of the layout: equal hashes mean that each number means the same."""
    return hashlib.sha256(json.dumps([FEATURES, OUTPUTS]).encode()).hexdigest()


def build_scorer(price: NDArray[np.float64], hidden: int = 0) -> Scorer:
    """Return the scorer that does what Price does with these four numbers, but for the unit that the load is in."""
    linear = np.zeros((WIDTH, len(OUTPUTS)))
    linear[LOAD, 0], linear[BACKLOG, 0] = price[1], price[2]
    return Scorer(
        linear,
        np.array([price[0], price[3]]),
        np.zeros((WIDTH, hidden)),
        np.zeros(hidden),
        np.zeros((hidden, len(OUTPUTS))),
        np.array([PRICE_SHARPNESS, 0.0, HARM_WEIGHT]),
        np.full(WIDTH, -100.0),
        np.full(WIDTH, 100.0),
    )


def choose_scored(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, scorer: Scorer) -> int:
    """Return the backend with the greatest score; -1 if none is ready, or one is out of the trained range."""
    rows = offered(candidates)
    x = features(request, candidates, pool, snapshot, rows)
    if rows.shape[0] == 0 or not within(scorer, x):
        return -1
    return int(rows[np.argmax(scores(scorer, request, candidates, pool, rows, x))])


def offered(candidates: Candidates) -> NDArray[np.int64]:
    """Return the backends that may be chosen."""
    return np.where(candidates.finish_s < np.inf)[0]


def within(scorer: Scorer, x: NDArray[np.float64]) -> bool:
    """Tell whether all features are near enough to what training saw."""
    room = BEYOND * (scorer.high - scorer.low)
    return bool(np.all(x >= scorer.low - room) and np.all(x <= scorer.high + room))


def features(
    request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the features of some backends, (rows, features)."""
    x, deadline_s = np.zeros((rows.shape[0], WIDTH)), request.deadline_s
    mean, least, soonest, best = _common(request, candidates, pool)
    load = math.log(max(_load(request, pool, snapshot), TINY))
    for row in range(rows.shape[0]):
        j = rows[row]
        x[row, FINISH] = min(candidates.finish_s[j] / deadline_s, MOST)
        x[row, COST] = math.log(max(candidates.cost_s[j] / deadline_s, TINY))
        x[row, BACKLOG] = min(candidates.backlog_s[j] / deadline_s, MOST)
        x[row, MEAN] = mean
        x[row, LEAST] = least
        x[row, LOAD] = load
        x[row, GAP] = best - pool.quality[request.task, pool.size_of[j]]
        x[row, SOONEST] = soonest
        x[row, OPENING] = _opening_s(request, pool, snapshot, j) / deadline_s
    if pool.mean_steps > 0.0:
        _describe_generation(request, pool, snapshot, rows, x)
    return x


def _common(request: Request, candidates: Candidates, pool: Pool) -> tuple[float, float, float, float]:
    """Return mean and least backlog, the soonest finish, all in deadlines, and the best quality of all backends."""
    total, least, soonest, best = 0.0, MOST, MOST, 0.0
    for j in range(pool.size_of.shape[0]):
        backlog = min(candidates.backlog_s[j] / request.deadline_s, MOST)
        total, least = total + backlog, min(least, backlog)
        soonest = min(soonest, candidates.finish_s[j] / request.deadline_s)
        best = max(best, pool.quality[request.task, pool.size_of[j]])
    return total / pool.size_of.shape[0], least, soonest, best


def _load(request: Request, pool: Pool, snapshot: Snapshot) -> float:
    """Return the share of all devices that it takes to answer requests like this one with the best size."""
    size = pool.rank[0]
    seconds = request_s(pool, size, request.units)
    if request.steps > 0.0:
        most = _most_sequences(pool)
        seconds = request.steps * next_token_s(pool, size, most, snapshot.length) / most
    return float(snapshot.rate_rps * seconds / pool.hosted.shape[0])


def _most_sequences(pool: Pool) -> int:
    """Return the most sequences that a backend of any size decodes at once.

    A loop, since an array's own maximum can't be compiled first of all where nothing is allocated: it was, and failed,
    when a process before had been ended while it compiled.
    """
    most = 0
    for size in range(pool.max_sequences.shape[0]):
        most = max(most, int(pool.max_sequences[size]))
    return most


def _opening_s(request: Request, pool: Pool, snapshot: Snapshot, backend: int) -> float:
    """Return what one pass adds to the work of a backend beyond its part of the fullest batch."""
    if request.steps > 0.0:
        return 0.0
    size, units = pool.size_of[backend], waiting_units(snapshot, backend)
    added = work_s(pool, size, units + request.units) - work_s(pool, size, units)
    return float(snapshot.correction[backend] * (added - request_s(pool, size, request.units) + pool.sequence_s[size]))


def _describe_generation(
    request: Request, pool: Pool, snapshot: Snapshot, rows: NDArray[np.int64], x: NDArray[np.float64]
) -> None:
    """Fill in what concerns decodes: a round is one token of all sequences that decode on a device.

    Harm is the quality that the decodes of a device lose because a generation that joins them makes rounds longer. It
    keeps batches small enough and a second model off a busy device: so devices take roles that move with the load.
    """
    round_s, decodes = np.zeros(pool.hosted.shape[0]), np.zeros(pool.hosted.shape[0])
    for j in range(pool.size_of.shape[0]):
        device = pool.device_of[j]
        token_s = next_token_s(pool, pool.size_of[j], snapshot.decoding[j], snapshot.length)
        round_s[device] += snapshot.correction[j] * token_s
        decodes[device] += snapshot.decoding[j]
    generates = request.steps > 0.0
    relative = max(request.steps, 1.0) / request.deadline_s
    occupancy = math.log((decodes.sum() + 1.0) / (decodes.shape[0] * _full_batch(request, pool, snapshot)))
    best = pool.quality[request.task, pool.rank[0]]
    for row in range(rows.shape[0]):
        j = rows[row]
        device, after_s = pool.device_of[j], round_s[pool.device_of[j]]
        if generates:
            after_s += snapshot.correction[j] * added_s(pool, snapshot, j)
        before, after = relative * round_s[device], relative * after_s
        x[row, GENERATES] = 1.0 if generates else 0.0
        x[row, ROUND], x[row, AFTER] = min(before, MOST), min(after, MOST)
        x[row, OCCUPANCY], x[row, EXCESS] = occupancy, max(occupancy, 0.0)
        if generates:
            for place in range(len(REPEATED)):
                x[row, OWN + place] = x[row, REPEATED[place]]
            x[row, HARM] = min(decodes[device] * best * (_in_time(before) - _in_time(after)), MOST)


def _full_batch(request: Request, pool: Pool, snapshot: Snapshot) -> float:
    """Return about how many sequences of the best size still end in time together, the longest outputs among them."""
    size, most = pool.rank[0], _most_sequences(pool)
    if request.steps == 0.0 or most < 2:  # noqa: PLR2004 - two points make a line
        return float(most)
    one_s = next_token_s(pool, size, 1, snapshot.length)
    most_s = next_token_s(pool, size, most, snapshot.length)
    allowed_s = request.deadline_s / (LONGEST * request.steps)
    return float(min(max(1.0 + (most - 1) * (allowed_s - one_s) / (most_s - one_s), 1.0), most))


def _in_time(relative: float) -> float:
    """Return how likely a generation is in time whose decodes take that part of its deadline."""
    return 1.0 / (1.0 + math.exp(-max(min(STEEPNESS * (1.0 - relative - SPARE), 50.0), -50.0)))


def scores(
    scorer: Scorer,
    request: Request,
    candidates: Candidates,
    pool: Pool,
    rows: NDArray[np.int64],
    x: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the scores of some backends, (rows,), from their features."""
    seen = np.minimum(np.maximum(x, scorer.low), scorer.high)
    out = np.dot(seen, scorer.linear) + scorer.bias
    if scorer.outer.shape[0] > 0:
        out += np.dot(np.tanh(np.dot(seen, scorer.inner) + scorer.inner_bias), scorer.outer)
    limit = 0.5 * (1.0 + worth_until_s(1.0, pool.grace_factor))
    found = np.empty(rows.shape[0])
    for row in range(rows.shape[0]):
        j = rows[row]
        step = scorer.shape[SHARPNESS] * (limit - x[row, FINISH] - out[row, 1])
        in_time = 1.0 / (1.0 + math.exp(-max(min(step, 50.0), -50.0)))
        work = max(candidates.cost_s[j] / request.deadline_s + scorer.shape[OPENED] * x[row, OPENING], 0.0)
        price = math.exp(min(out[row, 0], 20.0))
        harm = scorer.shape[HARMED] * x[row, HARM]
        found[row] = pool.quality[request.task, pool.size_of[j]] * in_time - price * work - harm
    return found
