"""What is asked of a service: deadlines, lengths and tasks. How often it is asked is the catalogue's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from besteffort_sim.workload import Drift, Lengths, Mix
from besteffort_study.errors import StudyError
from besteffort_study.profiles import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SCENARIOS", "SHIFTS", "Scenario", "scenario"]

PROMPT, OUTPUT = (100, 200), (16, 64)
LONG_PROMPT = (300, 500)
SCORING_S, TIGHT_S, GENERATION_S = 0.1, 0.05, 1.5


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the requests of a study are."""

    name: str
    deadline_s: float
    """Of what one pass answers."""
    lengths: Lengths
    generation_deadline_s: float = GENERATION_S
    grace_factor: float = 1.0
    tasks: tuple[str, ...] = TASKS
    mix: Drift | Mix = Drift()  # noqa: RUF009 - frozen

    @property
    def base(self) -> str:
        """The name without its shift: a shift is measured in the load unit of what was shifted."""
        return self.name.partition("+")[0]


SCORING, GENERATION = Lengths(PROMPT), Lengths(PROMPT, OUTPUT, 1.0)
SCENARIOS = {
    "SC": Scenario("SC", SCORING_S, SCORING),
    "SCt": Scenario("SCt", TIGHT_S, SCORING),
    "SCs": Scenario("SCs", SCORING_S, SCORING, grace_factor=2.0),
    "GE": Scenario("GE", SCORING_S, GENERATION),
    "MX": Scenario("MX", SCORING_S, replace(GENERATION, generating=0.5)),
}
"""Scoring with a hard, a tight and a soft deadline, generation, and half of each."""


def _mostly(task: str, share: float) -> Mix:
    rest = (1.0 - share) / (len(TASKS) - 1)
    return Mix(tuple(share if name == task else rest for name in TASKS))


SHIFTS: dict[str, Callable[[Scenario], Scenario]] = {
    "hellaswag": lambda asked: replace(asked, mix=_mostly("hellaswag", 0.85)),
    "piqa": lambda asked: replace(asked, mix=_mostly("piqa", 0.85)),
    "lambada": lambda asked: replace(asked, mix=_mostly("lambada", 1.0)),
    "long": lambda asked: replace(asked, lengths=replace(asked.lengths, prompt=LONG_PROMPT)),
    "urgent": lambda asked: replace(asked, deadline_s=0.6 * asked.deadline_s),
    "generating": lambda asked: replace(asked, lengths=replace(GENERATION, generating=0.3)),
}
"""What may change under a policy that was tuned before: task mix, length, deadline, share of generation."""


def scenario(name: str) -> Scenario:
    """Return a scenario, shifted where its name goes on after a plus: `SC`, `SC+long`.

    Raises:
        StudyError: there is no such scenario or shift.
    """
    base, _, shift = name.partition("+")
    if base not in SCENARIOS:
        raise StudyError(f"scenario {base!r} is not one of {', '.join(SCENARIOS)}")
    if "+" not in name:
        return SCENARIOS[base]
    if shift not in SHIFTS:
        raise StudyError(f"scenario {name!r}: the shift {shift!r} is not one of {', '.join(SHIFTS)}")
    return replace(SHIFTS[shift](SCENARIOS[base]), name=name)
