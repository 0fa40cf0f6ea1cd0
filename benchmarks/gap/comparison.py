"""Measured against predicted: reward, latency and the order of policies, with the noise of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.record import Outcome
from besteffort_sim.model import ANSWERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from besteffort_cli.record import Record
    from besteffort_sim.model import Log

__all__ = ["Policy", "compare", "inverted", "result"]

BLOCK = 100
"""Requests in a row whose fates hang together."""
TIE_ERRORS = 2.0
"""Policies are tied where they differ by less than so many standard errors, measured or predicted."""
QUANTILES = (0.5, 0.95)
LEAST_ANSWERS = 200
"""Of a size under a policy, that tell a median."""


@dataclass(frozen=True)
class Policy:
    """One policy in one setting."""

    live_worth: NDArray[np.float64]
    """(n,): of each offered request of all rounds; 0 where it was lost."""
    simulated_worth: NDArray[np.float64]
    live_s: Sequence[float]
    """Latencies of the quantiles, of what was answered in time."""
    simulated_s: Sequence[float]
    medians_s: Mapping[str, tuple[float, float]]
    """Measured and predicted, by size. The median of all may lie between those of two sizes, where nothing is."""

    @property
    def gap(self) -> float:
        """Return the predicted reward over the measured one, in points."""
        return 100 * float(self.simulated_worth.mean() - self.live_worth.mean())

    @property
    def latency_gaps(self) -> list[float]:
        """Return predicted over measured latency, less 1, by quantile."""
        return [simulated / live - 1 for simulated, live in zip(self.simulated_s, self.live_s, strict=True)]


def compare(
    rounds: Mapping[str, Sequence[Sequence[Record]]],
    logs: Mapping[str, Sequence[Log]],
    sizes: Sequence[str],
) -> dict[str, Policy]:
    """Return the policies by name; `sizes` are in the order of the logs."""
    return {name: _policy([record for one in rounds[name] for record in one], logs[name], sizes) for name in rounds}


def _policy(records: Sequence[Record], logs: Sequence[Log], sizes: Sequence[str]) -> Policy:
    in_time = [record for record in records if record.outcome is Outcome.IN_TIME]
    live_s = [np.array([record.latency_s for record in in_time if record.size == size]) for size in sizes]
    simulated_s = [_answered_s(logs, size) for size in range(len(sizes))]
    by_size = zip(sizes, live_s, simulated_s, strict=True)
    return Policy(
        live_worth=np.array([record.quality * (record.outcome is Outcome.IN_TIME) for record in records]),
        simulated_worth=np.concatenate([log.reward for log in logs]),
        live_s=np.quantile(np.concatenate(live_s), QUANTILES).tolist(),
        simulated_s=np.quantile(np.concatenate(simulated_s), QUANTILES).tolist(),
        medians_s={
            size: (float(np.median(live)), float(np.median(simulated)))
            for size, live, simulated in by_size
            if min(live.size, simulated.size) >= LEAST_ANSWERS
        },
    )


def _answered_s(logs: Sequence[Log], size: int) -> NDArray[np.float64]:
    return np.concatenate([log.latency_s[(log.outcome == ANSWERED) & (log.size == size)] for log in logs])


def inverted(policies: Mapping[str, Policy]) -> list[str]:
    """Return the pairs that are ordered one way when measured and the other way when predicted, ties left out."""
    found = []
    for (name, one), (other_name, other) in combinations(policies.items(), 2):
        live, simulated = one.live_worth - other.live_worth, one.simulated_worth - other.simulated_worth
        opposite = live.mean() * simulated.mean() < 0
        if opposite and all(abs(d.mean()) > TIE_ERRORS * standard_error(d) for d in (live, simulated)):
            found.append(f"{name} and {other_name}")
    return found


def standard_error(values: NDArray[np.float64]) -> float:
    """Return that of the mean, from means of blocks, since what fails fails in bursts.

    What differs from one turn to the next, as the machine does, is not in it.
    """
    blocks = [block.mean() for block in np.array_split(values, max(values.size // BLOCK, 2))]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))


def result(policies: Mapping[str, Policy]) -> dict[str, dict[str, object]]:
    """Return the figures of each policy; rewards in points, times in milliseconds."""
    return {
        name: {
            "measured": round(100 * float(policy.live_worth.mean()), 2),
            "predicted": round(100 * float(policy.simulated_worth.mean()), 2),
            "standard_error": round(100 * standard_error(policy.live_worth), 2),
            "gap_points": round(policy.gap, 2),
            "gap_standard_error": round(100 * standard_error(policy.simulated_worth - policy.live_worth), 2),
            "measured_p50_p95_ms": [round(1000 * value, 1) for value in policy.live_s],
            "predicted_p50_p95_ms": [round(1000 * value, 1) for value in policy.simulated_s],
            "latency_gaps": [round(gap, 3) for gap in policy.latency_gaps],
            "p50_ms_by_size": {size: [round(1000 * s, 1) for s in pair] for size, pair in policy.medians_s.items()},
            "requests": int(policy.live_worth.size),
        }
        for name, policy in policies.items()
    }
