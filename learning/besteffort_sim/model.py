"""The values that go into a simulation and come out of it: named tuples of arrays, so that they compile.

Request k has index k in all arrays of length n; size i, backend j and device d are as in the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from besteffort_core.dqn import Network
    from besteffort_core.model import Pool
    from besteffort_core.scorer import Scorer

__all__ = [
    "ANSWERED",
    "EXPIRED",
    "HOPELESS",
    "NOT_READY",
    "PENDING",
    "QUEUE_FULL",
    "Log",
    "Plan",
    "Play",
    "Workload",
    "World",
]

PENDING, ANSWERED, EXPIRED, HOPELESS, NOT_READY, QUEUE_FULL = range(6)
"""What became of a request; the last three are refusals."""


class Workload(NamedTuple):
    """The requests, drawn before the simulation starts."""

    arrival_s: NDArray[np.float64]
    """(n,), ascending."""
    task: NDArray[np.int64]
    deadline_s: NDArray[np.float64]
    noise: NDArray[np.float64]
    """Factor on the work of the batch that this request leads: its own, whatever the policy does."""
    units: NDArray[np.int64]
    """(n,): length of the prompt in the profile's units."""
    output: NDArray[np.int64]
    """(n,): tokens to generate, unknown to the router; 0 for what one pass answers."""
    steps: NDArray[np.float64]
    """(n,): the tokens to generate as the router expects them."""
    difficulty: NDArray[np.float64]
    """(n,) in 0..1: a size answers well if its quality is above it; or (0,): an answer earns its expected quality."""
    router: NDArray[np.int64]
    """(n,): the router that the request comes to."""


class World(NamedTuple):
    """What is true, as opposed to the Pool, which is what the router believes."""

    slowness: NDArray[np.float64]
    """(sizes,): true over profiled seconds of a batch."""
    ready: NDArray[np.bool_]
    """(backends,)."""
    overhead_s: float
    """Seconds between the decision and the arrival at the server."""
    max_requests: int
    """Requests in flight at once; one more is refused."""
    foresight: bool = False
    """Whether a server leaves out what cannot be done in time even in the batch that it forms."""
    routers: int = 1
    """How many routers decide, each with its own view."""
    scrape_s: float = 1.0
    """Seconds between two looks of a router at what has ended, and what decodes."""


class Plan(NamedTuple):
    """What decides, for all kinds of policy in one type, so that the loop is compiled once."""

    kind: int
    parameters: NDArray[np.float64]
    """Of the rule, or of Price, to which DQN falls back; Learned reads none."""
    network: Network
    """Of DQN."""
    scorer: Scorer
    """Of Learned."""
    general: Scorer
    """What decides where `scorer` is out of its range."""
    forced: NDArray[np.int64]
    """(n,) or (0,): the size that request k gets where it is ready, -1 for the policy's own choice."""


class Log(NamedTuple):
    """What became of each request, and, where a trail was wanted, what the router saw (else of length 0)."""

    outcome: NDArray[np.int8]
    size: NDArray[np.int64]
    """The chosen size, also of a refused request; -1 where none was chosen."""
    latency_s: NDArray[np.float64]
    """Seconds until the answer; infinite where there was none."""
    reward: NDArray[np.float64]
    in_flight: NDArray[np.int64]
    """(n or 0, backends), at the decision; so are the next four."""
    units: NDArray[np.int64]
    decoding: NDArray[np.int64]
    running: NDArray[np.int64]
    progress_s: NDArray[np.float64]
    """(n or 0, devices)"""
    correction: NDArray[np.float64]
    """(n or 0, backends), at the decision."""
    length: NDArray[np.float64]
    """(n or 0,), at the decision."""
    rate_rps: NDArray[np.float64]
    """(n or 0,), at the decision."""


class Play(NamedTuple):
    """What one simulation is played with, and the log that it fills."""

    pool: Pool
    world: World
    workload: Workload
    log: Log
    expiry_s: NDArray[np.float64]
    """(n,): from when on a request is worth nothing."""
