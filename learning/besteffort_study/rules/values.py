"""The values of the states of `TABULAR`: a Markov decision process counted from simulations, solved by value iteration.

After RAMSIS (its states are queue and slack of one worker; here backlogs, rate and task, counted and not derived from a
Poisson model, so that bursts are in it). A decision earns what became of its own request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Workload
    from besteffort_study.rules.plan import RulePlan

__all__ = ["Steps", "groups_of", "solve", "steps_of"]

SWEEPS = 300
UNSEEN = -1e3
"""Of a size that was never tried in a state; the cheaper, the less bad."""


class Steps(NamedTuple):
    """Decisions in a row, (m,) each."""

    state: NDArray[np.int64]
    size: NDArray[np.int64]
    reward: NDArray[np.float64]
    gap_s: NDArray[np.float64]
    """Seconds until the next decision."""
    after: NDArray[np.int64]
    """The state of that one."""


def groups_of(pool: Pool) -> NDArray[np.int64]:
    """Return a number for each device, the same where the same sizes are hosted, (devices,)."""
    hosted = [tuple(sorted(int(pool.size_of[j]) for j in row if j >= 0)) for row in pool.hosted]
    kinds = sorted(set(hosted))
    return np.array([kinds.index(one) for one in hosted], dtype=np.int64)


def steps_of(workload: Workload, log: Log, plan: RulePlan) -> Steps:
    """Return the decisions that a plan noted, but for the last."""
    noted = np.flatnonzero(plan.states >= 0)
    first, after = noted[:-1], noted[1:]
    gap_s = workload.arrival_s[after] - workload.arrival_s[first]
    return Steps(plan.states[first], plan.tried[first], log.reward[first], gap_s, plan.states[after])


def solve(
    parts: Sequence[Steps], states: int, cheapest_first: NDArray[np.int64], horizon_s: float
) -> NDArray[np.float64]:
    """Return the values of (states, sizes) where what comes in `horizon_s` counts 1/e."""
    steps = Steps(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    sizes = cheapest_first.size
    pair = steps.state * sizes + steps.size
    tried = np.bincount(pair, minlength=states * sizes)
    share = 1.0 / np.maximum(tried, 1)
    reward = np.bincount(pair, steps.reward, states * sizes) * share
    edge, which = np.unique(pair * states + steps.after, return_inverse=True)
    weight = np.bincount(which, np.exp(-steps.gap_s / horizon_s)) * share[edge // states]
    value = np.zeros(states)
    for _ in range(SWEEPS):
        found = reward + np.bincount(edge // states, weight * value[edge % states], states * sizes)
        best = np.where(tried > 0, found, -np.inf).reshape(states, sizes).max(axis=1)
        value = np.where(np.isfinite(best), best, 0.0)
    unseen = UNSEEN * (1.0 + np.argsort(cheapest_first))
    table: NDArray[np.float64] = np.where(tried > 0, found, np.tile(unseen, states)).reshape(states, sizes)
    return table
