"""Policies that no router serves, as entrants: rules of the study, a single size in several ways, more GPUs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.policy import Kind
from besteffort_core.utility import utility
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from besteffort_study.entrant import Case, Entrant
from besteffort_study.rules.plan import EXPIRY, NO_TABLE, SLACK_FIT, TABULAR, build_rule_plan
from besteffort_study.rules.slack import slack_table
from besteffort_study.rules.switch import play_rule
from besteffort_study.rules.values import groups_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Log

__all__ = ["Best", "Expiry", "Fifo", "Ruled", "Twice", "twice"]

FOR_EVER = 1e9
"""Deadlines after which an answer is worth nothing, where nothing is ever dropped."""


@dataclass(frozen=True)
class Ruled:
    """A rule of the study; its table is that of the pool where the rule makes it from that."""

    rule: int
    numbers: NDArray[np.float64]
    table: NDArray[np.float64] = field(default_factory=lambda: NO_TABLE)
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """The digest of all its numbers."""
        return hashlib.sha256(bytes([self.rule]) + self.numbers.tobytes() + self.table.tobytes()).hexdigest()

    def play(self, case: Case) -> Log:
        """Simulate."""
        plan = build_rule_plan(self.rule, self.numbers, self._table(case), groups=_groups(self.rule, case.pool))
        return play_rule(*case, plan)

    def _table(self, case: Case) -> NDArray[np.float64]:
        if self.rule == SLACK_FIT:
            return slack_table(case.pool, float(case.workload.deadline_s.max()))
        return self.table


def _groups(rule: int, pool: Pool) -> NDArray[np.int64] | None:
    return groups_of(pool) if rule == TABULAR else None


@dataclass(frozen=True)
class Expiry:
    """One size for all; its servers drop what they see will be too late, and the router refuses nothing."""

    size: int
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """The size."""
        return str(self.size)

    def play(self, case: Case) -> Log:
        """Simulate."""
        return play_rule(*case, build_rule_plan(EXPIRY, np.array([float(self.size)])))


@dataclass(frozen=True)
class Fifo:
    """One size for all, first come first served; nothing is dropped or refused, and late answers earn nothing."""

    size: int
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """The size."""
        return str(self.size)

    def play(self, case: Case) -> Log:
        """Simulate without any expiry, then count what each answer is worth."""
        patient, plan = case.pool._replace(grace_factor=FOR_EVER), build_plan(Kind.STATIC, np.array([float(self.size)]))
        log = simulate(patient, case.world._replace(foresight=False), case.workload, plan)
        quality, worth = case.pool.quality[case.workload.task, log.size], np.vectorize(utility, otypes=[np.float64])
        return log._replace(reward=worth(quality, log.latency_s, case.workload.deadline_s, case.pool.grace_factor))


@dataclass(frozen=True)
class Best:
    """Whichever of some entrants earns most from the case: chosen with hindsight."""

    entrants: Sequence[Entrant]
    bounded: bool = True
    broad: str = ""

    @property
    def digest(self) -> str:
        """That of all of them."""
        return " ".join(entrant.digest for entrant in self.entrants)

    def play(self, case: Case) -> Log:
        """Simulate them all and return the best."""
        return max((entrant.play(case) for entrant in self.entrants), key=lambda log: float(log.reward.sum()))


@dataclass(frozen=True)
class Twice:
    """An entrant on twice the GPUs of the case."""

    entrant: Entrant
    bounded: bool = False
    broad: str = ""

    @property
    def digest(self) -> str:
        """That of the entrant."""
        return f"twice {self.entrant.digest}"

    def play(self, case: Case) -> Log:
        """Simulate on the doubled pool."""
        world = case.world._replace(ready=np.tile(case.world.ready, 2))
        return self.entrant.play(Case(twice(case.pool), world, case.workload))


def twice(pool: Pool) -> Pool:
    """Return a pool with each device, and what is on it, twice."""
    backends, devices = pool.size_of.size, pool.hosted.shape[0]
    return pool._replace(
        size_of=np.tile(pool.size_of, 2),
        device_of=np.concatenate([pool.device_of, pool.device_of + devices]),
        hosted=np.concatenate([pool.hosted, np.where(pool.hosted >= 0, pool.hosted + backends, -1)]),
    )
