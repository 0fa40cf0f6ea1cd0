"""Compare policies: the same arrivals and the same noise for all of them, over seeds, with paired intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from besteffort_sim.model import World
from besteffort_sim.report import summarise
from besteffort_sim.simulator import simulate
from besteffort_sim.workload import Bursts, Drift, Gamma, Poisson, build_workload, draw_arrivals
from besteffort_train.episodes import capacity_rps
from besteffort_train.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from besteffort_sim.model import Plan, Workload
    from besteffort_sim.report import Summary
    from besteffort_sim.workload import Traffic
    from besteffort_train.episodes import Service

__all__ = [
    "Interval",
    "Row",
    "build_workloads",
    "compare",
    "draw_load",
    "interval",
    "mean_rps",
    "named_traffic",
    "world_of",
]

OVERHEAD_S = 0.001
CONFIDENCE = 0.95
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half width of its 95 % interval (Student's t); infinite for a single value."""

    mean: float
    half: float


@dataclass(frozen=True, slots=True)
class Row:
    """One policy over all seeds."""

    policy: str
    reward: Interval
    ahead: Interval
    """Reward more than that of the policy which is compared with, seed by seed."""
    in_time: float
    """Share of the offered."""
    refused: float
    quality: float
    """Mean reward of those answered in time."""
    p95_s: float
    shares: tuple[float, ...]
    """Of each size among those answered."""


def interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Return the mean with its interval."""
    found = np.asarray(values, dtype=np.float64)
    if found.size == 1:
        return Interval(float(found[0]), np.inf)
    error = float(found.std(ddof=1)) / float(np.sqrt(found.size))
    return Interval(float(found.mean()), float(stats.t.ppf(0.5 + CONFIDENCE / 2, found.size - 1)) * error)


def named_traffic(service: Service) -> Mapping[str, Traffic]:
    """Return the loads that policies are compared on, in terms of what the slowest and the middle size can answer."""
    capacities = sorted(capacity_rps(service.pool, size) for size in range(len(service.sizes)))
    slowest, middle, fastest = capacities[0], capacities[len(capacities) // 2], capacities[-1]
    return {
        "lull": Poisson(0.6 * slowest),
        "steady": Poisson(0.7 * middle),
        "bursts": Bursts(0.6 * slowest, 2.0 * middle, low_s=6.0, high_s=2.0),
        "waves": Gamma(1.0 * middle, cv=1.0, epoch_s=4.0),
        "overload": Bursts(0.6 * slowest, 1.2 * fastest, low_s=6.0, high_s=2.0),
    }


def build_workloads(service: Service, traffic: Traffic, seeds: int, *, seed: int = 0) -> list[Workload]:
    """Return one workload a seed, of a minute on average, all with the default deadline and a drifting mix."""
    return [draw_load(service, traffic, (seed, number)) for number in range(seeds)]


def draw_load(service: Service, traffic: Traffic, seed: tuple[int, int]) -> Workload:
    """Return one workload of a minute on average."""
    rng = np.random.default_rng(seed)
    arrival_s = draw_arrivals(traffic, max(round(SECONDS * mean_rps(traffic)), 1), rng)
    return build_workload(arrival_s, len(service.tasks) + 1, service.deadline_s, rng, drift=Drift())


def mean_rps(traffic: Traffic) -> float:
    """Return the arrivals per second over a long time."""
    if isinstance(traffic, Bursts):
        weighted = traffic.low_rps * traffic.low_s + traffic.high_rps * traffic.high_s
        return weighted / (traffic.low_s + traffic.high_s)
    return traffic.rate_rps


def world_of(service: Service, slowness: float) -> World:
    """Return a world in which every backend is ready and takes `slowness` times the profiled seconds."""
    ready = np.ones(service.pool.size_of.size, dtype=np.bool_)
    return World(np.full(len(service.sizes), slowness), ready, OVERHEAD_S, service.max_requests)


def compare(
    service: Service, plans: Mapping[str, Plan], workloads: Sequence[Workload], *, against: str, slowness: float = 1.0
) -> list[Row]:
    """Return one row a policy, the best first; `slowness` is true over profiled seconds."""
    sizes, world = len(service.sizes), world_of(service, slowness)

    def played(plan: Plan) -> list[Summary]:
        return in_threads(lambda load: summarise(load, simulate(service.pool, world, load, plan), sizes), workloads)

    found = {name: played(plan) for name, plan in plans.items()}
    reference = _rewards(found[against])
    rows = [_row(name, summaries, reference) for name, summaries in found.items()]
    return sorted(rows, key=lambda row: -row.reward.mean)


def _rewards(summaries: Sequence[Summary]) -> NDArray[np.float64]:
    return np.array([summary.reward for summary in summaries])


def _row(policy: str, summaries: Sequence[Summary], reference: NDArray[np.float64]) -> Row:
    rewards = _rewards(summaries)
    return Row(
        policy,
        interval(rewards),
        interval(rewards - reference),
        in_time=float(np.mean([summary.in_time / summary.offered for summary in summaries])),
        refused=float(np.mean([summary.refused / summary.offered for summary in summaries])),
        quality=float(np.mean([summary.quality for summary in summaries])),
        p95_s=float(np.nanmean([summary.p95_s for summary in summaries])),
        shares=tuple(float(share) for share in np.mean([summary.shares for summary in summaries], axis=0)),
    )
