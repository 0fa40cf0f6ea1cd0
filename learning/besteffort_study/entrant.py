"""The seam between a study and the policies that enter it. It knows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_sim.model import Log, Workload, World

__all__ = ["Case", "Entrant"]


class Case(NamedTuple):
    """What every entrant of a study meets alike: the pool, what is true of it, and the requests."""

    pool: Pool
    world: World
    workload: Workload


class Entrant(Protocol):
    """One policy in a study.

    `entrants(scenario, layout)` returns them by name, the one that the others are compared with first. They are built
    anew in every process, so nothing of them is ever pickled.
    """

    @property
    def digest(self) -> str:
        """A name for all that decides but source code: tuned numbers, weights. Equal digests play alike."""

    @property
    def bounded(self) -> bool:
        """Whether it plays on the pool of the case, so that the bound holds for it; 8 GPUs instead of 4 do not."""

    @property
    def broad(self) -> str:
        """The entrant that differs only in being tuned on all loads where this one was on a few; empty elsewhere."""

    def play(self, case: Case) -> Log:
        """Return what became of each request; pool and world may be exchanged (8 GPUs, no expiry), requests not."""
