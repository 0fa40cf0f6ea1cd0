"""Measure sizes on their live servers: seconds by batch, share of right answers by task, requests a second.

Sizes that share a core are measured in turns, never at the same time, so each figure is that of a size alone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.dataset import is_right
from besteffort_cli.errors import InputError
from besteffort_cli.triton_client import TritonClient
from besteffort_resource.profile import measured_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from besteffort_cli.dataset import Row
    from besteffort_resource.profile import Profile

__all__ = ["Effort", "Measurement", "Subject", "measure", "profiles_of"]


@dataclass(frozen=True)
class Subject:
    """A size to measure: its name, its model inside Triton, and host:port of one server that hosts it."""

    size: str
    model: str
    address: str


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    prompts_per_task: int = 120
    rounds: int = 25
    """Repeats of each batch size at most, and"""
    min_rounds: int = 7
    """at least."""
    latency_s: float = 10.0
    """Seconds after which no further round begins."""
    capacity_s: float = 2.0
    """Seconds of full load for each size."""


@dataclass(frozen=True)
class Measurement:
    """What was measured of one size."""

    quality: float
    """Mean of the tasks' shares of right answers."""
    quality_by_task: Mapping[str, float]
    seconds_by_batch: Mapping[int, float]
    """A high percentile of the seconds that a client sees, by batch size."""
    capacity_rps: float
    """Answers a second under full load."""
    infer_s: float
    """Seconds of a request under full load that Triton itself counts as computing."""


PERCENTILE = 65
"""Above the median: an estimate below the truth makes answers late, one above it costs little."""


def measure(
    subjects: Sequence[Subject],
    rows: Sequence[Row],
    tasks: Sequence[str],
    *,
    effort: Effort,
    progress: Callable[[str, float], None] = lambda _what, _share: None,
) -> dict[str, Measurement]:
    """Return a measurement by the name of the size; `progress` hears what is going on and its share done, 0 to 1.

    Raises:
        InputError: a task has no row.
        ServerError: a server fails.
    """
    by_task = _rows_by_task(rows, tasks, effort.prompts_per_task)
    with ExitStack() as stack:
        clients = {s.size: stack.enter_context(TritonClient(s.address, s.model)) for s in subjects}
        max_batch = {size: client.max_batch() for size, client in clients.items()}
        prompts = [row.prompt for chosen in by_task.values() for row in chosen]
        seconds = _latency(clients, max_batch, prompts, effort, progress)
        found = {}
        for i, (size, client) in enumerate(clients.items()):
            progress(f"quality and capacity of {size}", i / len(clients))
            quality = {task: _share_right(client, chosen, max_batch[size]) for task, chosen in by_task.items()}
            capacity_rps, infer_s = _capacity(client, prompts, 2 * max_batch[size], effort.capacity_s)
            mean = sum(quality.values()) / len(quality)
            found[size] = Measurement(mean, quality, seconds[size], capacity_rps, infer_s)
        progress("done", 1.0)
        return found


def profiles_of(measurements: Mapping[str, Measurement]) -> dict[str, Profile]:
    """Return the measurements as profiles, by the name of the size."""
    return {
        size: measured_profile(found.quality, found.quality_by_task, seconds_by_batch=found.seconds_by_batch)
        for size, found in measurements.items()
    }


def _rows_by_task(rows: Sequence[Row], tasks: Sequence[str], most: int) -> dict[str, list[Row]]:
    """Return the first rows of each task; of a service without tasks those of every task that the rows name."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if len(found[row.task]) < most:
            found[row.task].append(row)
    if missing := [task for task in tasks if not found.get(task)]:
        raise InputError(f"The prompts have none of the task {missing[0]!r}; add some, or take it out of spec.tasks.")
    return {task: found[task] for task in tasks or found}


def _latency(
    clients: Mapping[str, TritonClient],
    max_batch: Mapping[str, int],
    prompts: Sequence[str],
    effort: Effort,
    progress: Callable[[str, float], None],
) -> dict[str, dict[int, float]]:
    """Return seconds by batch size for each size; rounds over all of them, so that a disturbance hits all alike."""
    rng = np.random.default_rng(0)
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    cells = [(size, batch) for size in clients for batch in _batches(max_batch[size])]
    give_up_at = np.inf
    for i in range(effort.rounds + 1):
        if i > effort.min_rounds and time.perf_counter() > give_up_at:
            break
        progress("latency by batch", i / (effort.rounds + 1))
        for size, batch in cells:
            chosen = [prompts[j] for j in rng.integers(len(prompts), size=batch)]
            began = time.perf_counter()
            clients[size].complete(chosen)
            seconds[size, batch].append(time.perf_counter() - began)
        if i == 0:
            # The first round finds everything cold.
            seconds.clear()
            give_up_at = time.perf_counter() + effort.latency_s
    figures = {cell: float(np.percentile(taken, PERCENTILE)) for cell, taken in seconds.items()}
    return {size: {batch: figures[size, batch] for batch in _batches(max_batch[size])} for size in clients}


def _batches(most: int) -> list[int]:
    """Return 1, 2, 4 and so on, and the largest batch."""
    return sorted({most, *(2**i for i in range(most.bit_length()) if 2**i <= most)})


def _share_right(client: TritonClient, rows: Sequence[Row], batch: int) -> float:
    right = 0
    for i in range(0, len(rows), batch):
        chosen = rows[i : i + batch]
        outputs = client.complete([row.prompt for row in chosen])
        right += sum(is_right(row, output) for row, output in zip(chosen, outputs, strict=True))
    return right / len(rows)


def _capacity(client: TritonClient, prompts: Sequence[str], clients: int, capacity_s: float) -> tuple[float, float]:
    """Return answers a second, and seconds of computing an answer, with so many clients that always wait for one."""
    began_count, began_infer_s = client.infer_s()
    end = time.perf_counter() + capacity_s

    def ask(i: int) -> int:
        done = 0
        while True:
            client.complete([prompts[(i + clients * done) % len(prompts)]])
            if time.perf_counter() > end:
                return done
            done += 1

    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(ask, range(clients)))
    count, infer_s = client.infer_s()
    return done / capacity_s, (infer_s - began_infer_s) / max(count - began_count, 1)
