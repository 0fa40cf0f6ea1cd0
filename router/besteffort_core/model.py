"""The values that go into a decision and come out of it.

Request, Pool, Snapshot and Candidates are named tuples of numbers and small arrays, so that the simulator can
compile the functions that take them. An index names a thing: task t, size i, backend j, device d.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Candidates", "Decision", "Pool", "Reason", "Refusal", "Request", "Snapshot"]


class Reason(StrEnum):
    """Why a size was chosen, as clients see it in `bes-reason`."""

    BEST_IN_TIME = "best_in_time"
    PRICE = "price"
    LEARNED = "learned"
    LADDER = "ladder"
    STATIC = "static"
    ROUND_ROBIN = "round_robin"
    LEAST_LOADED = "least_loaded"
    PINNED = "pinned"
    ONLY_READY = "only_ready"
    RETRY = "retry"
    FALLBACK_MISSING = "fallback_missing"
    FALLBACK_OUT_OF_RANGE = "fallback_out_of_range"
    FALLBACK_SLOW = "fallback_slow"
    FALLBACK_STALE = "fallback_stale"


class Refusal(StrEnum):
    """Why a request was not forwarded, as clients see it in `bes-refused`."""

    QUEUE_FULL = "queue_full"
    HOPELESS = "hopeless"
    NO_READY_SIZE = "no_ready_size"
    DRAINING = "draining"


class Request(NamedTuple):
    """One request as the policy sees it."""

    task: int
    """Index into the tasks; the last index is "other"."""
    deadline_s: float
    """Seconds left until the answer is late, positive."""


class Pool(NamedTuple):
    """What stays the same between requests: sizes, backends, and what lateness is worth."""

    quality: NDArray[np.float64]
    """(tasks + 1, sizes): expected quality in 0..1; the last row is for other tasks."""
    batch_s: NDArray[np.float64]
    """(sizes, largest batch + 1): seconds that a batch takes; column 0 is 0."""
    max_batch: NDArray[np.int64]
    """(sizes,): the largest batch of each size."""
    rank: NDArray[np.int64]
    """(sizes,): the sizes from the best mean quality down."""
    size_of: NDArray[np.int64]
    """(backends,): the size that each backend serves; one backend is one size on one replica."""
    device_of: NDArray[np.int64]
    """(backends,): the device that each backend computes on; backends of one device share it equally."""
    grace_factor: float
    """1: late is worth nothing. Above 1: worth falls linearly to 0 at grace_factor x deadline."""


class Snapshot(NamedTuple):
    """What is known about the pool at one moment."""

    in_flight: NDArray[np.int64]
    """(backends,): requests sent and not yet answered."""
    correction: NDArray[np.float64]
    """(backends,): observed over predicted seconds, learned online."""
    ready: NDArray[np.bool_]
    """(backends,): whether the backend takes requests."""
    rate_rps: float
    """Arrivals per second, estimated."""
    sequence: int
    """How many requests came before this one."""


class Candidates(NamedTuple):
    """For each size its best backend, and what is predicted there."""

    backend: NDArray[np.int64]
    """(sizes,): index of the backend with the least predicted finish; -1 where none is ready."""
    finish_s: NDArray[np.float64]
    """(sizes,): predicted seconds until the answer; infinite where none is ready."""
    backlog_s: NDArray[np.float64]
    """(sizes,): seconds of work waiting on that backend's device."""


class Decision(NamedTuple):
    """What shall happen to a request: a backend, or a refusal."""

    size: int
    backend: int
    finish_s: float
    """Predicted seconds until the answer."""
    reason: Reason
    refusal: Refusal | None = None
    shadow_size: int = -1
    """What a policy in shadow mode would have chosen; -1 where there is none."""
