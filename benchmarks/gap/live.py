"""One setting, measured: policies take turns on live servers behind the real router, with the same arrivals."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from gap.meter import since, slowness, together
from gap.pace import batches_since, pace
from gap.processor import all_busy_s, busy_s

from besteffort_cli.contest import Contestant, run, schedule
from besteffort_cli.record import Outcome
from besteffort_cli.replay import replay
from besteffort_resource.service import PolicyKind
from besteffort_router.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gap.meter import Meter, Work
    from numpy.typing import NDArray

    from besteffort_cli.contest import Course
    from besteffort_cli.dataset import Row
    from besteffort_cli.record import Record
    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import LocalStack
    from besteffort_resource.profile import Profile
    from besteffort_router.config import Settings

__all__ = ["Live", "as_profiled", "contestants", "fresh_router", "measure", "ping_s"]

WARM_UP_REQUESTS = 20
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
    slowness: Mapping[str, Sequence[NDArray[np.float64]]]
    """True over profiled seconds of each size, in every round of a policy."""
    paces: Mapping[str, Sequence[NDArray[np.float64]]]
    """The same of the batch of each request, over that of its size in the round."""
    others_share: float
    """Share of all cores' time that went to anybody else while the policies took their turns, and between them."""
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


def fresh_router(stack: LocalStack, profiles: Mapping[str, Profile], course: Course) -> RouterProcess:
    """Return a router that has learned no more than WARM_UP_REQUESTS of each size teach, one at a time.

    First requests pay for connections and cold code, on every server.
    """
    router = stack.serve(profiles)
    for size in profiles:
        stack.set_policy(PolicyKind.STATIC, static_size=size)
        offsets_s = np.arange(WARM_UP_REQUESTS) * WARM_UP_GAP_S
        _replayed(router.address, course.model_name, offsets_s, course.rows)
    return router


def ping_s(address: str, model: str, row: Row) -> float:
    """Return the median seconds of a single request to an idle service."""
    records = _replayed(address, model, np.arange(PINGS) * PING_GAP_S, [row])
    return statistics.median(record.latency_s for record in records if record.outcome is Outcome.IN_TIME)


def _replayed(address: str, model: str, offsets_s: NDArray[np.float64], rows: Sequence[Row]) -> Sequence[Record]:
    """Replay with patience; Ctrl-C, which ends a replay, ends all."""
    records = replay(address, model, offsets_s, rows, PATIENCE_S)
    if any(record.outcome is Outcome.CANCELLED for record in records):
        raise KeyboardInterrupt
    return records


def measure(
    stack: LocalStack,
    profiles: Mapping[str, Profile],
    course: Course,
    entries: Sequence[Contestant],
    meter: Meter | None = None,
) -> Live:
    """Let all policies take their turns; without a `meter` the servers are as fast as the profiles say.

    Each turn has a router of its own: what one policy made it learn of the servers would cost the next one some points,
    and simulations begin with nothing learned.

    Raises:
        KeyboardInterrupt: Ctrl-C, after which nothing is complete.
        CliError: the router does not answer or does not take a policy.
    """
    settings: dict[str, Settings] = {}
    rounds: dict[str, list[Sequence[Record]]] = {entry.name: [] for entry in entries}
    done: dict[str, list[Work]] = {entry.name: [] for entry in entries}
    batches: dict[str, list[list[NDArray[np.float64]]]] = {entry.name: [] for entry in entries}
    began_s, all_s, own_s = time.monotonic(), all_busy_s(), busy_s(os.getpid())
    for number, entry in schedule(entries, course.rounds):
        router, once = fresh_router(stack, profiles, course), replace(course, rounds=1, seed=course.seed + number)
        before, turn_s = meter and meter.read(), time.monotonic()
        scores = run(stack, router, once, [entry], lambda _number, _ended, _entry: None)
        if not scores:
            raise KeyboardInterrupt
        rounds[entry.name] += scores[0].rounds
        settings[entry.name] = load_settings(stack.folder / "router.json")
        if meter and before:
            done[entry.name].append(since(before, meter.read()))
            batches[entry.name].append(batches_since(stack.folder, meter.models, turn_s))
    others_s = (all_busy_s() - all_s) - (busy_s(os.getpid()) - own_s)
    cores_s = (time.monotonic() - began_s) * (os.cpu_count() or 1)
    live = Live(course, settings, rounds, {}, {}, others_s / cores_s, stack.restarts)
    live = as_profiled(live)
    return replace(live, slowness=_slowness(done, settings), paces=_paces(live, batches)) if meter else live


def as_profiled(live: Live) -> Live:
    """Return the same as if each batch had taken what the profile says."""
    sizes = {name: len(settings.sizes) for name, settings in live.settings.items()}
    return replace(
        live,
        slowness={name: [np.ones(sizes[name]) for _ in rounds] for name, rounds in live.rounds.items()},
        paces={name: [np.ones(len(records)) for records in rounds] for name, rounds in live.rounds.items()},
    )


def _paces(
    live: Live, batches: Mapping[str, Sequence[Sequence[NDArray[np.float64]]]]
) -> Mapping[str, Sequence[NDArray[np.float64]]]:
    return {
        name: [
            pace(records, settings.sizes, took, settings.pool.batch_s)
            for records, took in zip(live.rounds[name], batches[name], strict=True)
        ]
        for name, settings in live.settings.items()
    }


def _slowness(
    done: Mapping[str, Sequence[Work]], settings: Mapping[str, Settings]
) -> Mapping[str, Sequence[NDArray[np.float64]]]:
    batch_s = next(iter(settings.values())).pool.batch_s
    total = together([work for turns in done.values() for work in turns])
    return {name: [slowness(turn, total, batch_s) for turn in turns] for name, turns in done.items()}
