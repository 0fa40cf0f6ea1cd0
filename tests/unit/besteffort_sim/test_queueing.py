"""The simulator against the formulas of queueing theory: long runs, one request a batch unless said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_core.policy import Kind
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_sim.choice import build_plan
from besteffort_sim.simulator import simulate
from support.worlds import pool_of, workload_of, world_of

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_sim.model import Log

SERVICE_S = 0.01
REQUESTS = 400_000
EVER_S = 1e6
STATIC = build_plan(Kind.STATIC, np.zeros(1))


def played(pool: Pool, rate_rps: float, noise: np.ndarray | None = None, requests: int = REQUESTS) -> Log:
    arrival_s = np.cumsum(np.random.default_rng(0).exponential(1.0 / rate_rps, requests))
    workload = workload_of(arrival_s.tolist(), EVER_S)
    if noise is not None:
        workload = workload._replace(noise=noise)
    return simulate(pool, world_of(pool, max_requests=10**9), workload, STATIC)


def services(cv2: float) -> np.ndarray:
    """Factors on the service of mean 1 and that squared coefficient of variation: Gamma, or none where it is 0."""
    if cv2 == 0.0:
        return np.ones(REQUESTS)
    return np.random.default_rng(1).gamma(1.0 / cv2, cv2, REQUESTS)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
@pytest.mark.parametrize("cv2", [0.0, 0.5, 1.0, 2.0])
def test_the_mean_wait_is_that_of_pollaczek_and_khinchine(load: float, cv2: float) -> None:
    """M/D/1 at a coefficient of variation of 0, M/M/1 at 1, M/G/1 else."""
    log = played(pool_of({1: SERVICE_S}), load / SERVICE_S, services(cv2))
    wait_s = load * SERVICE_S * (1.0 + cv2) / (2.0 * (1.0 - load))
    assert log.latency_s.mean() - SERVICE_S == pytest.approx(wait_s, rel=0.05)


def test_the_latencies_of_one_markovian_server_are_exponential() -> None:
    """M/M/1: the latency has mean service / (1 - load), and its p quantile is the mean times -log(1 - p)."""
    log = played(pool_of({1: SERVICE_S}), 0.7 / SERVICE_S, services(1.0))
    mean_s = SERVICE_S / 0.3
    wanted_s = [-mean_s * math.log(1.0 - p) for p in (0.5, 0.9, 0.99)]
    assert np.quantile(log.latency_s, (0.5, 0.9, 0.99)) == pytest.approx(wanted_s, rel=0.05)


@pytest.mark.parametrize("cv2", [0.5, 2.0])
def test_an_equal_share_gives_the_mean_of_processor_sharing_whatever_the_services(cv2: float) -> None:
    """M/G/1-PS: service / (1 - load). More than 16 requests are hardly ever there, so each has a backend of its own."""
    load, backends = 0.4, 16
    sizes = [SizeSpec(f"size{i}", 0.5, {}, {1: SERVICE_S}) for i in range(backends)]
    pool = build_pool((), sizes, [BackendSpec(size.name, "device") for size in sizes])
    arrival_s = np.cumsum(np.random.default_rng(0).exponential(SERVICE_S / load, REQUESTS))
    workload = workload_of(arrival_s.tolist(), EVER_S)._replace(noise=services(cv2))
    log = simulate(pool, world_of(pool, max_requests=10**9), workload, build_plan(Kind.LEAST_LOADED))
    assert log.latency_s.mean() == pytest.approx(SERVICE_S / (1.0 - load), rel=0.05)


def servers_of(servers: int) -> Pool:
    sizes = [SizeSpec("only", 0.5, {}, {1: SERVICE_S})]
    return build_pool((), sizes, [BackendSpec("only", f"device{i}") for i in range(servers)], turns=True)


@pytest.mark.parametrize(("servers", "load"), [(2, 0.6), (4, 0.7), (4, 0.85)])
def test_the_server_that_is_free_first_makes_one_queue_of_all(servers: int, load: float) -> None:
    """M/D/c: with constant services the least predicted finish is that of the common queue, of which Cosmetatos's
    approximation of the mean wait (1975) is within 2 %."""
    log = played(servers_of(servers), servers * load / SERVICE_S)
    wait_s = 0.5 * erlang_wait_s(servers, load) * cosmetatos(servers, load)
    assert log.latency_s.mean() - SERVICE_S == pytest.approx(wait_s, rel=0.06)


def erlang_wait_s(servers: int, load: float) -> float:
    """Mean wait of M/M/c."""
    offered = servers * load
    blocked = offered**servers / math.factorial(servers) / (1.0 - load)
    free = sum(offered**k / math.factorial(k) for k in range(servers))
    return blocked / (free + blocked) * SERVICE_S / (servers * (1.0 - load))


def cosmetatos(servers: int, load: float) -> float:
    return 1.0 + (1.0 - load) * (servers - 1) * (math.sqrt(4.0 + 5.0 * servers) - 2.0) / (16.0 * load * servers)


def test_a_server_that_batches_all_that_waits_has_the_mean_latency_of_the_formula() -> None:
    """Who comes while it runs waits half a batch on average; it is idle for 1 / rate after a batch without arrivals."""
    batch_s, rate_rps = 0.02, 60.0
    log = played(pool_of({1: batch_s, 64: batch_s}), rate_rps)
    busy = batch_s / (batch_s + math.exp(-rate_rps * batch_s) / rate_rps)
    assert log.latency_s.mean() == pytest.approx(batch_s * (1.0 + 0.5 * busy), rel=0.01)


def test_an_overloaded_server_answers_at_the_rate_of_its_fullest_batches() -> None:
    """Batches of up to 8 in 20 ms, offered 1.5 of that."""
    capacity_rps, requests = 8 / 0.02, 40_000
    log = played(pool_of({1: 0.02, 8: 0.02}), 1.5 * capacity_rps, requests=requests)
    arrival_s = np.cumsum(np.random.default_rng(0).exponential(1.0 / (1.5 * capacity_rps), requests))
    assert requests / (arrival_s + log.latency_s).max() == pytest.approx(capacity_rps, rel=0.01)
