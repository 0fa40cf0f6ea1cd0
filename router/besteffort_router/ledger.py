"""What happened so far, counted: plain numbers that only grow. Knows neither Prometheus nor a clock.

Each request ends in exactly one row of `requests`. One that was understood or refused also has one row in `deadlines`;
those turned down for what they say (malformed, unknown model, too large) have none, so that
sum(requests) = sum(deadlines) + invalid.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from besteffort_core.model import Reason

if TYPE_CHECKING:
    from besteffort_core.model import Refusal
    from besteffort_router.errors import Code

__all__ = ["NO_SIZE", "Histogram", "Ledger"]

NO_SIZE = "none"
"""The size of a request that none was chosen for."""

REQUEST_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Dense where deadlines of interactive services lie."""
DECISION_BOUNDS_S = (0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01)
FALLBACKS = frozenset(reason for reason in Reason if reason.startswith("fallback_"))


class Histogram:
    """Counts by upper bound; the last count is of all above."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Ledger:
    """The counters of one router."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, str]] = Counter()
        """By size, gRPC code and task."""
        self.decisions: Counter[tuple[str, str]] = Counter()
        """By size and reason."""
        self.deadlines: Counter[tuple[str, str]] = Counter()
        """By size and outcome: met, missed, refused, cancelled, invalid."""
        self.refused: Counter[str] = Counter()
        self.fallback: Counter[str] = Counter()
        self.shadow: Counter[tuple[str, str]] = Counter()
        """By the size that ruled and the size that a policy in shadow would have chosen."""
        self.invalid = 0
        self.quality_sum = 0.0
        self.config_errors = 0
        self.decision_s = Histogram(DECISION_BOUNDS_S)
        self.request_s: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(REQUEST_BOUNDS_S))

    def decided(self, size: str, reason: Reason, seconds: float) -> None:
        """Count one decision for a size."""
        self.decisions[size, reason] += 1
        self.decision_s.add(seconds)
        if reason in FALLBACKS:
            self.fallback[reason] += 1

    def turned_down(self, code: Code) -> None:
        """Count a request that ends for what it says."""
        self.requests[NO_SIZE, code.name, "other"] += 1
        self.invalid += 1

    def refused_for(self, reason: Refusal, code: Code, size: str, task: str) -> None:
        """Count a request that ends in an explicit refusal."""
        self.requests[size, code.name, task] += 1
        self.deadlines[size, "refused"] += 1
        self.refused[reason] += 1

    def ended(self, size: str, task: str, code: Code, outcome: str, seconds: float) -> None:
        """Count a forwarded request that ends: met, missed, cancelled, or invalid to the server."""
        self.requests[size, code.name, task] += 1
        self.deadlines[size, outcome] += 1
        self.request_s[size].add(seconds)
