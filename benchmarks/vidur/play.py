"""Draws the cases of `profiles.json` and plays them in vidur 0.0.26 (MIT, Georgia Tech and Microsoft).

It runs in an environment of its own, with vidur but nothing of this repository, and writes `requests.csv`:
    uv run --no-project --python 3.11 --with vidur==0.0.26 python benchmarks/vidur/play.py

The scheduler ("sarathi": whole iterations, prompts join decodes up to a cap of tokens), requests, batches, cache and
events are vidur's own. Ours is only the time of an iteration, which vidur would predict from measurements of GPUs.
"""

from __future__ import annotations

import heapq
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
from vidur.config import CacheConfig, ReplicaConfig, SarathiSchedulerConfig
from vidur.entities import Replica, Request
from vidur.events import RequestArrivalEvent
from vidur.execution_time_predictor import ExecutionTimePredictorRegistry
from vidur.scheduler.global_scheduler.round_robin_global_scheduler import RoundRobinGlobalScheduler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vidur.entities import Batch

HERE = Path(__file__).parent
REQUESTS = 400
OVERHEAD_S, WEIGHTS_S, UNIT_S, SEQUENCE_S, CONTEXT_S = 5.2e-3, 8.4e-3, 78e-6, 15e-6, 0.33e-6
"""Of OPT-6.7B in `a100_roofline`."""
REPLICA = ReplicaConfig("meta-llama/Llama-2-7b-hf", num_pipeline_stages=1, tensor_parallel_size=1)

Profile = dict[str, Any]


def main() -> None:
    replica = Replica(REPLICA)
    lines = ["case,arrival_s,prompt,output,latency_s"]
    for seed, (name, profile) in enumerate(json.loads((HERE / "profiles.json").read_text()).items()):
        requests = drawn(profile, np.random.default_rng(seed))
        play(requests, scheduler(profile, replica))
        lines += [
            f"{name},{one.arrived_at:.6f},{prompt},{output},{one.completed_at - one.arrived_at:.9f}"
            for one, (prompt, output) in requests.items()
        ]
    (HERE / "requests.csv").write_text("\n".join([*lines, ""]))


def drawn(profile: Profile, rng: np.random.Generator) -> dict[Request, tuple[int, int]]:
    """Return Poisson arrivals with their lengths, which vidur rewrites when it takes a request out of the cache."""
    arrival_s = np.cumsum(rng.exponential(1 / profile["rate_rps"], REQUESTS)).round(6)
    prompt, output = (rng.integers(low, high + 1, REQUESTS) for low, high in (profile["prompt"], profile["output"]))
    lengths = zip(prompt.tolist(), output.tolist(), strict=True)
    return {Request(at, *one): one for at, one in zip(arrival_s.tolist(), lengths, strict=True)}


def play(requests: Iterable[Request], servers: RoundRobinGlobalScheduler) -> None:
    """Handle the events in vidur's order, as its Simulator does, but write no report."""
    events = [RequestArrivalEvent(request.arrived_at, request) for request in requests]
    queue = [(event.time, event.id, event) for event in events]
    heapq.heapify(queue)
    while queue:
        event = heapq.heappop(queue)[-1]
        for follower in event.handle_event(servers, MagicMock()):
            heapq.heappush(queue, (follower.time, follower.id, follower))


def scheduler(profile: Profile, replica: Replica) -> RoundRobinGlobalScheduler:
    """Return a replica of one GPU; the model only says how much memory there is, and the profile overrules it."""
    ExecutionTimePredictorRegistry.get = lambda *_, **__: SimpleNamespace(get_execution_time=time_of)
    batching = SarathiSchedulerConfig(batch_size_cap=profile["sequences"], chunk_size=profile["units"])
    cache = CacheConfig(block_size=1, num_blocks=profile["context"], watermark_blocks_fraction=0.0)
    cluster = SimpleNamespace(
        replica_config=REPLICA, replica_scheduler_config=batching, cache_config=cache, num_replicas=1
    )
    config = SimpleNamespace(
        cluster_config=cluster,
        execution_time_predictor_config=MagicMock(),
        request_generator_config=SimpleNamespace(max_tokens=2048),
    )
    return RoundRobinGlobalScheduler(config, {replica.id: replica})


def time_of(batch: Batch, _stage: int) -> SimpleNamespace:
    """Return the time of a batch of vidur; a decoded token is in the cache once it has been read."""
    cached = sum(
        kv - q - request.is_prefill_complete
        for kv, q, request in zip(batch.num_kv_tokens, batch.num_q_tokens, batch.requests, strict=True)
    )
    seconds = OVERHEAD_S + max(WEIGHTS_S, batch.total_num_q_tokens * UNIT_S)
    seconds += batch.size * SEQUENCE_S + cached * CONTEXT_S
    return SimpleNamespace(total_time=seconds, model_time=seconds)


if __name__ == "__main__":
    main()
