"""What training sees: random loads, machines and deadlines around a service, so that a policy holds beside it too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_core.latency import request_s
from besteffort_sim.model import Workload, World
from besteffort_sim.workload import Bursts, Drift, Gamma, Poisson, build_workload, draw_arrivals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.workload import Traffic

__all__ = ["Episode", "Service", "Spread", "capacity_rps", "draw_episode"]


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be served: names, pool, default deadline, and the requests that a router takes at once."""

    tasks: tuple[str, ...]
    sizes: tuple[str, ...]
    pool: Pool
    deadline_s: float
    max_requests: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How far episodes lie around the service; each pair is a range, drawn from uniformly in the logarithm."""

    load: tuple[float, float] = (0.3, 1.5)
    """Least rate in capacities of the slowest size, greatest in capacities of the fastest."""
    machine: tuple[float, float] = (0.6, 2.0)
    """Seconds of all sizes, known to the router, over the profile."""
    size: tuple[float, float] = (0.8, 1.25)
    """The same for each size by itself."""
    surprise: tuple[float, float] = (0.7, 1.5)
    """Seconds that the router does not know of: true over profiled."""
    deadline: tuple[float, float] = (0.6, 1.6)
    """Deadlines over the default, in half of the episodes; the default in the rest."""
    overhead_s: tuple[float, float] = (0.0005, 0.004)
    outage: float = 0.15
    """Share of the episodes in which one size is not ready."""
    requests: int = 4096
    """Length of an episode: equal in decisions, not in seconds."""


class Episode(NamedTuple):
    """One simulation to run."""

    pool: Pool
    world: World
    workload: Workload


def capacity_rps(pool: Pool, size: int) -> float:
    """Return the requests per second that one size alone can answer on one device."""
    return 1.0 / request_s(pool, size)


def draw_episode(service: Service, spread: Spread, rng: np.random.Generator) -> Episode:
    """Return a random episode."""
    machine = _one(spread.machine, rng) * _several(spread.size, len(service.sizes), rng)
    pool = service.pool._replace(batch_s=service.pool.batch_s * machine[:, None])
    arrival_s = draw_arrivals(_draw_traffic(service.pool, spread, rng), spread.requests, rng)
    deadline_s = np.full(spread.requests, service.deadline_s)
    if rng.uniform() < 0.5:  # noqa: PLR2004 - half
        deadline_s *= _several(spread.deadline, spread.requests, rng)
    workload = build_workload(arrival_s, len(service.tasks) + 1, deadline_s, rng, drift=Drift())
    return Episode(pool, _draw_world(service, spread, rng), workload)


def _draw_traffic(pool: Pool, spread: Spread, rng: np.random.Generator) -> Traffic:
    capacities = [capacity_rps(pool, size) for size in range(pool.max_batch.shape[0])]
    rates = (spread.load[0] * min(capacities), spread.load[1] * max(capacities))
    first, second = sorted(_several(rates, 2, rng).tolist())
    match rng.choice(3, p=(0.35, 0.45, 0.2)):
        case 0:
            return Poisson(first)
        case 1:
            return Bursts(first, second, low_s=_one((2.0, 10.0), rng), high_s=_one((1.0, 5.0), rng))
        case _:
            return Gamma(first, cv=_one((0.5, 2.0), rng))


def _draw_world(service: Service, spread: Spread, rng: np.random.Generator) -> World:
    sizes = len(service.sizes)
    ready = np.ones(service.pool.size_of.shape[0], dtype=np.bool_)
    if sizes > 1 and rng.uniform() < spread.outage:
        ready[service.pool.size_of == rng.integers(sizes)] = False
    slowness = _one(spread.surprise, rng) * _several(spread.size, sizes, rng)
    return World(slowness, ready, _one(spread.overhead_s, rng), service.max_requests)


def _one(limits: tuple[float, float], rng: np.random.Generator) -> float:
    return float(_several(limits, 1, rng)[0])


def _several(limits: tuple[float, float], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = np.exp(rng.uniform(math.log(limits[0]), math.log(limits[1]), count))
    return drawn
