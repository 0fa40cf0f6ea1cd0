"""What the servers of sizes did, by their own accounts: processor seconds, and the batches that these went into.

Unlike the seconds that a batch takes, its processor seconds hardly depend on who else wants the processor, nor on what
a policy sends; but they do on the machine, whose speed may change from one moment to the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gap.processor import busy_s
from tritonclient.grpc import InferenceServerClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from besteffort_cli.stack import LocalStack
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["Meter", "Work", "alone_s", "nothing", "since", "slowness", "together"]

LEAST_S = 1.0
"""Of work, by the profile, that tell a size's speed."""


class Work(NamedTuple):
    """What was done within some time."""

    busy_s: NDArray[np.float64]
    """(sizes,): processor seconds."""
    batches: NDArray[np.int64]
    """(sizes, most requests in a batch + 1): how many had so many requests, cancelled ones among them."""
    answered: NDArray[np.int64]
    """(sizes,): requests that were computed to the end."""


def nothing(profiles: Mapping[str, Profile]) -> Work:
    """Return no work of the sizes of these profiles."""
    most = max(point.batch for profile in profiles.values() for point in profile.latency or ())
    sizes = len(profiles)
    return Work(np.zeros(sizes), np.zeros((sizes, most + 1), dtype=np.int64), np.zeros(sizes, dtype=np.int64))


def since(before: Work, now: Work) -> Work:
    """Return what was done between two readings."""
    return Work(*(after - then for then, after in zip(before, now, strict=True)))


def together(parts: Sequence[Work]) -> Work:
    """Return the sum."""
    return Work(*map(sum, zip(*parts, strict=True)))


class Meter:
    """Reads the servers of a stack; each has a single size."""

    def __init__(self, service: BestEffortService, stack: LocalStack, profiles: Mapping[str, Profile]) -> None:
        self._nothing = nothing(profiles)
        backends = {size: backend for backend in stack.backends for size in backend.sizes}
        assert len(backends) == len(stack.backends), "processor seconds would be those of several sizes"
        self._servers = []
        for size in service.spec.sizes:
            backend = backends[size.name]
            keeper = _first_process(f"--model-repository={stack.folder / backend.name}/")
            self._servers.append((keeper, InferenceServerClient(backend.address), size.triton_model))

    def read(self) -> Work:
        """Return what has been done so far."""
        done = Work(*(part.copy() for part in self._nothing))
        for size, (keeper, client, model) in enumerate(self._servers):
            (found,) = client.get_inference_statistics(model).model_stats
            done.busy_s[size], done.answered[size] = busy_s(keeper), found.inference_stats.success.count
            for one in found.batch_stats:
                done.batches[size, one.batch_size] = one.compute_infer.count
        return done


def _first_process(argument: str) -> int:
    """Return the oldest process with an argument that begins so: the ancestor of the others."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"\0{argument}" in path.read_text(errors="replace"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            continue
    return min(found)


def slowness(turn: Work, all_turns: Work, batch_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return processor over profiled seconds of each size in a turn; in all turns where one has too little of it.

    `batch_s` are the profiled seconds, (sizes, requests in a batch).
    """
    found = np.ones(batch_s.shape[0])
    for work in (all_turns, turn):
        profiled = profiled_s(work, batch_s)
        np.divide(work.busy_s, profiled, out=found, where=profiled >= LEAST_S)
    return found


def profiled_s(work: Work, batch_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the profile says of some work, (sizes,).

    Nobody knows which batches cancelled requests were in: all count as that much smaller.
    """
    most = np.arange(work.batches.shape[1])
    part = work.answered / np.maximum(work.batches @ most, 1)
    return np.array([one @ np.interp(part[size] * most, most, batch_s[size]) for size, one in enumerate(work.batches)])


def alone_s(work: Work) -> float:
    """Return the mean processor seconds of a batch, of work of one size."""
    return float(work.busy_s.max() / work.batches.sum())
