"""What is learned from: decisions in simulated episodes, what came of them, and the store of the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.decide import timely
from besteffort_core.dqn import observe
from besteffort_core.latency import candidates
from besteffort_sim.compiled import compiled
from besteffort_sim.report import peaks
from besteffort_sim.simulator import request_of, simulate, snapshot_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Plan, Workload, World
    from besteffort_train.episodes import Episode
    from besteffort_train.hyper import Hyper

__all__ = ["Replay", "Transitions", "play", "seen"]


class Transitions(NamedTuple):
    """Decisions and what came of them, as arrays of one length."""

    state: NDArray[np.float32]
    action: NDArray[np.int64]
    gain: NDArray[np.float32]
    """Discounted rewards over the span."""
    discount: NDArray[np.float32]
    """Of what follows the span."""
    following: NDArray[np.float32]
    """The state at the end of the span."""
    offered: NDArray[np.bool_]
    """(n, sizes): what can be chosen there."""


def play(episode: Episode, plan: Plan, hyper: Hyper, rng: np.random.Generator) -> Transitions:
    """Run an episode in which some decisions are random, and return what came of all of them, or of so many drawn.

    A decision's reward is that of its own request less the quality of the best size for its task: what the tasks ask
    for is chance, and says nothing of the choice. The last decisions, whose spans the episode cuts off, are left out.
    """
    pool, world, load = episode
    requests, sizes = load.task.size, pool.max_batch.size
    forced = np.where(rng.uniform(size=requests) < hyper.explored, rng.integers(0, sizes, requests), -1)
    log = simulate(pool, world, load, plan._replace(forced=forced), trail=True)
    reward = log.reward - peaks(pool, load)
    chosen = np.flatnonzero(log.size[: max(requests - hyper.span, 0)] >= 0)
    if chosen.size > hyper.taken:
        chosen = np.sort(rng.choice(chosen, hyper.taken, replace=False))
    gain = np.zeros(chosen.size)
    for k in range(hyper.span):
        gain += hyper.discount**k * reward[chosen + k]
    discount = np.full(chosen.size, hyper.discount**hyper.span, dtype=np.float32)
    (now, _), (later, offered) = (seen(pool, world, load, log, rows) for rows in (chosen, chosen + hyper.span))
    return Transitions(now, log.size[chosen], gain.astype(np.float32), discount, later, offered)


def seen(
    pool: Pool, world: World, load: Workload, log: Log, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the states at the decisions `rows` of a log with a trail, and which sizes could be chosen there."""
    found: tuple[NDArray[np.float32], NDArray[np.bool_]] = compiled(_seen)(pool, world, load, log, rows)
    return found


def _seen(
    pool: Pool, world: World, load: Workload, log: Log, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    tasks, sizes = pool.quality.shape
    states = np.empty((rows.shape[0], tasks + sizes + 1), dtype=np.float32)
    offered = np.empty((rows.shape[0], sizes), dtype=np.bool_)
    for row in range(rows.shape[0]):
        k = rows[row]
        snapshot = snapshot_of(log, world, k)
        request = request_of(load, k, snapshot)
        states[row] = observe(request, pool, snapshot)
        offered[row] = timely(request, pool, candidates(request, pool, snapshot)).backend >= 0
    return states, offered


class Replay:
    """The last transitions, and the range of all states that were ever added."""

    def __init__(self, capacity: int, length: int, sizes: int) -> None:
        self.kept = Transitions(
            state=np.zeros((capacity, length), np.float32),
            action=np.zeros(capacity, np.int64),
            gain=np.zeros(capacity, np.float32),
            discount=np.zeros(capacity, np.float32),
            following=np.zeros((capacity, length), np.float32),
            offered=np.zeros((capacity, sizes), np.bool_),
        )
        self.low, self.high = np.full(length, np.inf, np.float32), np.full(length, -np.inf, np.float32)
        self.added = 0

    def add(self, new: Transitions) -> None:
        """Add transitions in place of the oldest."""
        at = (self.added + np.arange(new.action.size)) % self.kept.action.size
        for name, values in new._asdict().items():
            getattr(self.kept, name)[at] = values
        if new.action.size:
            self.low = np.minimum(self.low, new.state.min(axis=0))
            self.high = np.maximum(self.high, new.state.max(axis=0))
        self.added += new.action.size

    @property
    def size(self) -> int:
        """How many transitions are kept."""
        return min(self.added, self.kept.action.size)
