"""What became of one request of a replay. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Outcome", "Record"]


class Outcome(StrEnum):
    """Every request gets exactly one of these."""

    IN_TIME = "in_time"
    """Answered before its deadline by the client's clock; right or wrong."""
    REFUSED = "refused"
    """Turned away at once, with a reason."""
    LATE = "late"
    """Answered after its deadline, or given up at it."""
    FAILED = "failed"
    """An error that is neither refusal nor lateness, or an answer that cannot be read."""
    CANCELLED = "cancelled"
    """Not waited for, or not sent, because the user interrupted the replay."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request: when it was due, and what became of it."""

    offset_s: float
    """Scheduled arrival, seconds since the start."""
    task: str
    outcome: Outcome
    latency_s: float
    """From the scheduled arrival until the outcome; a late sender counts."""
    lag_s: float
    """How much later than scheduled it was sent."""
    answered: bool = False
    """Whether an answer came that could be read."""
    size: str = ""
    """The size that answered, as the router names it; empty if it did not say."""
    reason: str = ""
    """Why that size, or why refused, or the gRPC status of a failure."""
    right: bool = False
    """Whether an answer, in time or late, was the right one."""
    quality: float = 0.0
    """The expected quality of the answer, as the router says."""
