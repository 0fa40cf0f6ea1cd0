"""A workload as a market: what each request can earn, what it costs at least, and when. For `bound`; no policy in it.

Every figure errs on the side of the requests, so that a plan which is best in the market earns at least what any
policy earns in the simulator; the docstrings say why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from besteffort_sim.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_sim.model import Workload, World

__all__ = ["Market", "build_market", "least_costs_s"]

BINS_PER_DEADLINE = 50
SLOPES = 257
"""How many lines below the seconds of an iteration are tried."""


class Market(NamedTuple):
    """Requests that buy device seconds in time bins from groups of equal devices."""

    origin_s: float
    """When bin 0 begins."""
    bin_s: float
    bins: int
    capacity_s: NDArray[np.float64]
    """(groups,): device seconds in a bin."""
    hosts: NDArray[np.bool_]
    """(groups, sizes)"""
    group_of: NDArray[np.int64]
    """(backends,): the group of each backend's device; -1 where it is not ready."""
    start: NDArray[np.int64]
    """(n,): the first bin in which a request can be worked on."""
    due: NDArray[np.int64]
    """(n,): the last bin in which it can be done in time."""
    end: NDArray[np.int64]
    """(n,): the last bin in which an answer is worth anything."""
    due_s: NDArray[np.float64]
    """(n,): the deadline, in seconds after the origin."""
    fade_s: NDArray[np.float64]
    """(n,): in so many seconds after the deadline the worth falls to 0; 0 for a hard one."""
    value: NDArray[np.float64]
    """(n, sizes): what an answer in time earns; 0 where none can come in time."""
    cost_s: NDArray[np.float64]
    """(n, sizes): device seconds that it takes at least."""


def build_market(pool: Pool, world: World, workload: Workload, bin_s: float = 0.0) -> Market:
    """Return the market of a workload in bins of `bin_s` seconds; 0 for a fiftieth of the shortest deadline.

    A batch runs after its requests have come and before the rewarded ones are worth nothing, so each request's share of
    it lies between the two. The bins that this interval touches count as a whole: that gives more time, never less.

    Raises:
        SimulationError: no requests, or bins of a negative length.
    """
    if workload.arrival_s.size == 0 or bin_s < 0.0:
        raise SimulationError("bound: it needs at least one request, and bins of a positive length")
    bin_s = bin_s or float(workload.deadline_s.min()) / BINS_PER_DEADLINE
    origin_s = float(workload.arrival_s[0])
    arrival_s = workload.arrival_s - origin_s
    due_s, end_s = arrival_s + workload.deadline_s, arrival_s + workload.deadline_s * pool.grace_factor
    start, due, end = (_bin(time_s, bin_s) for time_s in (arrival_s + world.overhead_s, due_s, end_s))
    hosts, capacity, group_of = _groups(pool, world)
    return Market(
        origin_s=origin_s,
        bin_s=bin_s,
        bins=int(max(start.max(), end.max())) + 1,
        capacity_s=capacity * bin_s,
        hosts=hosts,
        group_of=group_of,
        start=start,
        due=due,
        end=end,
        due_s=due_s,
        fade_s=end_s - due_s,
        value=_values(pool, world, workload),
        cost_s=least_costs_s(pool, world, workload),
    )


def _bin(time_s: NDArray[np.float64], bin_s: float) -> NDArray[np.int64]:
    return np.floor(time_s / bin_s).astype(np.int64)


def _groups(pool: Pool, world: World) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Return what each group hosts, its devices, and the group of each backend.

    Devices that host the same sizes are one group: a request may be split over them, which helps it, never hinders.
    """
    hosted = [
        tuple(sorted({int(size) for size in pool.size_of[(pool.device_of == device) & world.ready]}))
        for device in pool.device_of
    ]
    kinds = sorted(set(hosted) - {()})
    hosts = np.zeros((len(kinds), pool.max_batch.shape[0]), dtype=np.bool_)
    for group, sizes in enumerate(kinds):
        hosts[group, list(sizes)] = True
    group_of = np.array([kinds.index(sizes) if sizes else -1 for sizes in hosted], dtype=np.int64)
    devices = [float(np.unique(pool.device_of[group_of == group]).size) for group in range(len(kinds))]
    return hosts, np.array(devices), np.where(world.ready, group_of, -1)


def _values(pool: Pool, world: World, workload: Workload) -> NDArray[np.float64]:
    """Return what an answer in time earns, (n, sizes); 0 where not even an idle device gives it any worth.

    The iterations over its prompt and each decode's follow one another, and each takes what it holds at least.
    """
    quality = pool.quality[workload.task]
    if workload.difficulty.size:
        quality = (quality > workload.difficulty[:, None]).astype(np.float64)
    alone_s = _prompts_alone_s(pool, workload) + _decodes(workload)[:, None] * pool.batch_s[:, 1]
    soonest_s = world.overhead_s + _factor(world, workload) * alone_s
    value: NDArray[np.float64] = quality * (soonest_s <= (workload.deadline_s * pool.grace_factor)[:, None])
    return value


def _prompts_alone_s(pool: Pool, workload: Workload) -> NDArray[np.float64]:
    """Return what the iterations over a prompt take at least, (n, sizes): A + x units for any line below batch_s.

    A prompt may be split, but A >= 0 is paid at least once.
    """
    prompts = np.arange(workload.units.max() + 1)
    alone_s = np.empty((prompts.size, pool.max_batch.shape[0]))
    for size in range(alone_s.shape[1]):
        slopes, starts = _lines(pool, size, divided_by=None)
        alone_s[:, size] = (starts[:, None] + np.outer(slopes, prompts)).max(axis=0)
    found: NDArray[np.float64] = alone_s[workload.units]
    return found


def least_costs_s(pool: Pool, world: World, workload: Workload) -> NDArray[np.float64]:
    """Return device seconds that a request takes at least of any batches, (n, sizes).

    An iteration over p units of prompts and d decodes takes at least `prompt` p + `decode` d for the charges below,
    and what it takes for its sequences and their KV cache is charged to each sequence itself. All of it is true times
    the size's slowness and the noise of whichever request leads the batch: the least noise in the workload is charged.
    Context: a sequence has its prompt and the tokens before in the KV cache.
    """
    decodes = _decodes(workload)
    prompt_s, decode_s = _charges(pool, float(workload.units.sum()), float(decodes.sum()))
    context = decodes * workload.units + 0.5 * decodes * (decodes - 1.0)
    costs: NDArray[np.float64] = _factor(world, workload) * (
        np.outer(workload.units, prompt_s)
        + np.outer(decodes, decode_s)
        + np.outer(1.0 + decodes, pool.sequence_s)
        + np.outer(context, pool.context_s)
    )
    return costs


def _decodes(workload: Workload) -> NDArray[np.float64]:
    """Return in how many iterations after that of its prompt a request takes part: that one gives the first token."""
    decodes: NDArray[np.float64] = np.maximum(workload.output - 1.0, 0.0)
    return decodes


def _factor(world: World, workload: Workload) -> NDArray[np.float64]:
    """Return by how much the work of each size is at least slower than profiled, (sizes,).

    A batch takes the noise of the request that leads it, whichever that is, or 1 if none of its prompts ends in it.
    """
    factor: NDArray[np.float64] = world.slowness * min(float(workload.noise.min()), 1.0)
    return factor


def _charges(pool: Pool, prompts: float, decodes: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return seconds per unit of a prompt and per decode that an iteration of each size takes at least.

    With prompts charged x, an iteration of u units has batch_s[u] - x u left for its d decodes beyond x each. As
    x <= batch_s[u] / u for every u, that is not negative, and least per decode when there are as many as fit:
    d = min(u, most sequences). Any such x is valid; the one that makes the whole workload dearest is taken.
    """
    prompt_s, decode_s = np.empty(pool.max_batch.shape[0]), np.empty(pool.max_batch.shape[0])
    for size in range(prompt_s.size):
        slopes, left = _lines(pool, size, divided_by=pool.max_sequences[size])
        best = int(np.argmax(slopes * prompts + (slopes + left) * decodes))
        prompt_s[size], decode_s[size] = slopes[best], slopes[best] + left[best]
    return prompt_s, decode_s


def _lines(pool: Pool, size: int, divided_by: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slopes x from 0 to the least batch_s[u] / u, and the least of batch_s[u] - x u over u.

    With `divided_by`, the latter is divided by u, or by that many where u is more.
    """
    units = np.arange(1, pool.max_batch[size] + 1)
    batch_s = pool.batch_s[size, units]
    slopes = np.linspace(0.0, 1.0, SLOPES) * (batch_s / units).min()
    sharers = 1 if divided_by is None else np.minimum(units, divided_by)
    return slopes, ((batch_s - slopes[:, None] * units) / sharers).min(axis=1)
