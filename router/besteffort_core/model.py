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
    units: int = 1
    """Length of the prompt in the profile's units: requests, or tokens."""
    steps: float = 0.0
    """Expected decode steps of a generation, corrected by what came lately; 0 for what one pass answers."""


class Pool(NamedTuple):
    """What stays the same between requests: sizes, backends, latency, and what lateness is worth.

    One iteration of a size over so many units and sequences (prompts and decodes; a decode is one unit) takes
    batch_s[size, units] + sequence_s[size] x sequences + context_s[size] x units in its KV cache as it begins.
    """

    quality: NDArray[np.float64]
    """(tasks + 1, sizes): expected quality in 0..1; the last row is for other tasks."""
    batch_s: NDArray[np.float64]
    """(sizes, largest batch + 1): seconds that a batch of so many units takes; column 0 is 0."""
    max_batch: NDArray[np.int64]
    """(sizes,): the most units in a batch of each size."""
    max_sequences: NDArray[np.int64]
    """(sizes,): the most sequences in a batch."""
    max_context: NDArray[np.int64]
    """(sizes,): the most units in the KV cache of a backend."""
    sequence_s: NDArray[np.float64]
    """(sizes,)"""
    context_s: NDArray[np.float64]
    """(sizes,)"""
    mean_prompt: float
    """Mean units of the prompt of a generation."""
    mean_steps: float
    """Mean decode steps of a generation as they are expected; 0 where nothing is generated."""
    rank: NDArray[np.int64]
    """(sizes,): the sizes from the best mean quality down."""
    size_of: NDArray[np.int64]
    """(backends,): the size that each backend serves; one backend is one size on one replica."""
    device_of: NDArray[np.int64]
    """(backends,): the device that each backend computes on; backends of one device share it equally."""
    hosted: NDArray[np.int64]
    """(devices, most backends on one): the backends of each device, -1 where there are fewer."""
    grace_factor: float
    """1: late is worth nothing. Above 1: worth falls linearly to 0 at grace_factor x deadline."""
    turns: bool
    """Whether the backends of a device take turns, one iteration at a time, the oldest request first; else they share
    it equally."""


class Snapshot(NamedTuple):
    """What is known about the pool at one moment."""

    in_flight: NDArray[np.int64]
    """(backends,): requests sent and not yet answered."""
    units: NDArray[np.int64]
    """(backends,): the units of those that one pass answers."""
    decoding: NDArray[np.int64]
    """(backends,): how many of them generate."""
    running: NDArray[np.int64]
    """(backends,): of `units`, those in the batch that runs; 0 where that is not known, as in the live router."""
    progress_s: NDArray[np.float64]
    """(devices,): for how long the batch that runs has run. Where that is not known, as in the live router, it is 0, or
    beside other routers a little less, so that devices that are otherwise equal have turns."""
    correction: NDArray[np.float64]
    """(backends,): observed over predicted seconds, learned online."""
    length: float
    """Observed over expected decode steps of generations, learned online; 1 where not known, as in the live router."""
    leans_s: NDArray[np.float64]
    """(backends,): how much earlier than a preferred one of its size it must be done; 0 for a router alone."""
    ready: NDArray[np.bool_]
    """(backends,): whether the backend takes requests."""
    rate_rps: float
    """Arrivals per second, estimated."""
    sequence: int
    """How many requests came before this one."""


class Candidates(NamedTuple):
    """What is predicted for a request on each backend, and the best backend of each size."""

    backend: NDArray[np.int64]
    """(sizes,): index of the backend with the least predicted finish; -1 where none is ready."""
    finish_s: NDArray[np.float64]
    """(backends,): predicted seconds until the answer; infinite where not ready."""
    backlog_s: NDArray[np.float64]
    """(backends,): seconds of work in flight on its device."""
    cost_s: NDArray[np.float64]
    """(backends,): seconds of the device that the request takes there, in the fullest batch."""


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
