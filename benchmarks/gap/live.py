"""One setting, measured: policies take turns on live servers behind the real router, with the same arrivals."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from gap.processor import all_busy_s, own_busy_s

from besteffort_cli.contest import Contestant, run
from besteffort_cli.record import Outcome
from besteffort_cli.replay import replay
from besteffort_resource.service import PolicyKind
from besteffort_router.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_cli.contest import Course
    from besteffort_cli.dataset import Row
    from besteffort_cli.record import Record
    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import LocalStack
    from besteffort_router.config import Settings

__all__ = ["Live", "contestants", "measure", "ping_s", "warm_up"]

WARM_UP_REQUESTS = 40
WARM_UP_GAP_S = 0.03
PINGS = 60
PING_GAP_S = 0.1
PATIENCE_S = 5.0


@dataclass(frozen=True)
class Live:
    """What became of every request under every policy, and what the router was told."""

    course: Course
    settings: Mapping[str, Settings]
    """By the name of the policy."""
    rounds: Mapping[str, Sequence[Sequence[Record]]]
    others_share: float
    """Share of all cores' time that went to anybody else while the policies took their turns."""
    restarts: int
    """How often a server died and was started anew: what it had is lost, which no simulator foresees."""


def contestants(sizes: Sequence[str], *, learned: bool) -> list[Contestant]:
    """Return the policies that are compared; the static size is the middle one."""
    kinds = [PolicyKind.PRICE, PolicyKind.GREEDY, PolicyKind.LADDER, PolicyKind.LEAST_LOADED]
    kinds = [PolicyKind.LEARNED, *kinds] if learned else kinds
    static = sizes[len(sizes) // 2]
    return [
        *(Contestant(kind.value, kind) for kind in kinds),
        Contestant(f"Static {static}", PolicyKind.STATIC, static),
    ]


def warm_up(stack: LocalStack, router: RouterProcess, course: Course, sizes: Sequence[str]) -> None:
    """Let every size of every server answer some requests: first ones pay for connections and cold code."""
    for size in sizes:
        stack.set_policy(PolicyKind.STATIC, static_size=size)
        offsets_s = np.arange(WARM_UP_REQUESTS) * WARM_UP_GAP_S
        replay(router.address, course.model_name, offsets_s, course.rows, PATIENCE_S)


def ping_s(address: str, model: str, row: Row) -> float:
    """Return the median seconds of a single request to an idle service."""
    records = replay(address, model, np.arange(PINGS) * PING_GAP_S, [row], PATIENCE_S)
    return statistics.median(record.latency_s for record in records if record.outcome is Outcome.IN_TIME)


def measure(stack: LocalStack, router: RouterProcess, course: Course, entries: Sequence[Contestant]) -> Live:
    """Let all policies take their turns.

    Raises:
        KeyboardInterrupt: Ctrl-C, after which nothing is complete.
        CliError: the router does not answer or does not take a policy.
    """
    settings = {}
    for entry in entries:
        stack.set_policy(entry.kind, static_size=entry.static_size)
        settings[entry.name] = load_settings(stack.folder / "router.json")
    began_s, all_s, own_s = time.monotonic(), all_busy_s(), own_busy_s()
    scores = run(stack, router, course, entries, lambda _number, _ended, _entry: None)
    if not scores or len(scores[0].rounds) < course.rounds:
        raise KeyboardInterrupt
    others_s = (all_busy_s() - all_s) - (own_busy_s() - own_s)
    cores_s = (time.monotonic() - began_s) * (os.cpu_count() or 1)
    rounds = {score.contestant.name: score.rounds for score in scores}
    return Live(course, settings, rounds, others_s / cores_s, stack.restarts)
