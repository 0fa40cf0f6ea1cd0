"""Policies take turns on one running service with the same arrivals, so that machine noise decides for none of them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_cli.record import Outcome
from besteffort_cli.replay import replay
from besteffort_cli.report import summarise
from besteffort_cli.series import Turn
from besteffort_cli.table import Result
from besteffort_resource.service import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from besteffort_cli.dataset import Row
    from besteffort_cli.record import Record
    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import LocalStack

__all__ = ["SETTLE_S", "Contestant", "Course", "Score", "contestants", "run", "schedule"]

SETTLE_S = 0.5
"""Between turns: what one policy left in a running batch must not cost the next one."""


@dataclass(frozen=True)
class Contestant:
    """A policy that takes part."""

    name: str
    kind: PolicyKind
    static_size: str | None = None


@dataclass(frozen=True)
class Course:
    """What every policy has to serve."""

    model_name: str
    arrivals_s: NDArray[np.float64]
    rows: Sequence[Row]
    deadline_s: float
    rounds: int
    seed: int


@dataclass(frozen=True)
class Score:
    """The records of one contestant, a list for each complete round."""

    contestant: Contestant
    rounds: tuple[Sequence[Record], ...]

    def result(self) -> Result:
        """Return the figures of each round."""
        return Result(self.contestant.name, tuple(summarise(records) for records in self.rounds))

    def turn(self) -> Turn:
        """Return all rounds together, for the picture."""
        records = [record for records in self.rounds for record in records]
        return Turn(self.contestant.name, records, len(self.rounds), self.contestant.static_size or "")


def contestants(mounted: PolicyKind, sizes: Sequence[str]) -> list[Contestant]:
    """Return the mounted policy first, then Price and Ladder, then every size alone, the last one first."""
    kinds = dict.fromkeys((mounted, PolicyKind.PRICE, PolicyKind.LADDER))
    static = [Contestant(f"static {size}", PolicyKind.STATIC, size) for size in reversed(sizes)]
    return [*(Contestant(kind.value, kind) for kind in kinds), *static]


def schedule(entries: Sequence[Contestant], rounds: int) -> Iterator[tuple[int, Contestant]]:
    """Give each contestant one turn a round, every round in another order: rotated, and backwards every other time."""
    for number in range(rounds):
        start = number * len(entries) // rounds
        order = [*entries[start:], *entries[:start]]
        yield from ((number, entry) for entry in (reversed(order) if number % 2 else order))


def run(
    stack: LocalStack,
    router: RouterProcess,
    course: Course,
    entries: Sequence[Contestant],
    progress: Callable[[int, int, Contestant], None],
) -> list[Score]:
    """Let all take their turns and return the complete rounds; Ctrl-C ends the contest early.

    `progress` hears the round, the requests that have ended in this turn, and whose turn it is.

    Raises:
        CliError: the router does not answer or does not take a policy.
    """
    records: dict[Contestant, list[Sequence[Record]]] = {entry: [] for entry in entries}
    with contextlib.suppress(KeyboardInterrupt):  # between two replays; a replay ends by itself
        _take_turns(stack, router, course, records, progress)
    complete = min(len(rounds) for rounds in records.values())
    return [Score(entry, tuple(rounds[:complete])) for entry, rounds in records.items() if complete]


def _take_turns(
    stack: LocalStack,
    router: RouterProcess,
    course: Course,
    records: dict[Contestant, list[Sequence[Record]]],
    progress: Callable[[int, int, Contestant], None],
) -> None:
    """Append each turn's records until all turns are done or one is interrupted."""
    for number, entry in schedule([*records], course.rounds):
        stack.set_policy(entry.kind, static_size=entry.static_size)
        time.sleep(SETTLE_S)
        found = replay(
            router.address,
            course.model_name,
            course.arrivals_s,
            course.rows,
            course.deadline_s,
            seed=course.seed + number,
            progress=lambda ended, number=number, entry=entry: progress(number, ended, entry),  # type: ignore[misc]
        )
        if any(record.outcome is Outcome.CANCELLED for record in found):
            return
        records[entry].append(found)
