"""What the servers of sizes did, by their own accounts: processor seconds, and the batches that these went into.

A batch takes longer when others want the processor too; its processor seconds do not count that. They move with the
machine, whose speed may change from one moment to the next. What a server spends on requests that are never computed is
counted to the batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gap.processor import busy_s
from tritonclient.grpc import InferenceServerClient

from support.processes import is_keeper, processes_with

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
    """Reads the servers of a stack: one for each size, none of which was started anew since."""

    def __init__(self, service: BestEffortService, stack: LocalStack, profiles: Mapping[str, Profile]) -> None:
        self._profiles = profiles
        self._servers = []
        self.models = [size.triton_model for size in service.spec.sizes]
        for size in service.spec.sizes:
            (backend,) = (one for one in stack.backends if size.name in one.sizes)
            assert backend.sizes == (size.name,), "processor seconds would be those of several sizes"
            (keeper,) = filter(is_keeper, processes_with(f"--model-repository={stack.folder / backend.name}/"))
            self._servers.append((keeper, InferenceServerClient(backend.address), size.triton_model))

    def read(self) -> Work:
        """Return what has been done so far."""
        done = nothing(self._profiles)
        for size, (keeper, client, model) in enumerate(self._servers):
            (found,) = client.get_inference_statistics(model).model_stats
            done.busy_s[size], done.answered[size] = busy_s(keeper), found.inference_stats.success.count
            for one in found.batch_stats:
                done.batches[size, one.batch_size] = one.compute_infer.count
        return done


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
    part = work.answered / np.maximum(work.batches @ np.arange(work.batches.shape[1]), 1)
    return np.array([_profiled_s(*one) for one in zip(work.batches, part, batch_s, strict=True)])


def _profiled_s(batches: NDArray[np.int64], part: float, batch_s: NDArray[np.float64]) -> float:
    known = np.flatnonzero(np.isfinite(batch_s))  # beyond a size's largest batch its seconds are infinite
    return float(batches[known] @ np.interp(part * known, known, batch_s[known]))


def alone_s(work: Work) -> float:
    """Return the mean processor seconds of a batch, of work of one size."""
    return float(work.busy_s.max() / work.batches.sum())
