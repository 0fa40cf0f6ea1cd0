"""SlackFit's table: for each slack the size whose largest fitting batch is fullest, from the profile alone. Pure.

After SuperServe (arXiv 2312.16733): choices of a size and a batch lie in buckets by their latency; of the bucket
nearest below the slack the one with the largest batch is taken. There the server forms that batch; here servers batch
by themselves, and the size is all that is taken of the choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.latency import next_token_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_core.model import Pool

__all__ = ["BUCKETS", "slack_table"]

BUCKETS = 20


def slack_table(pool: Pool, deadline_s: float) -> NDArray[np.float64]:
    """Return the size for each bucket of slack, (buckets, 1); bucket 0 is the least slack.

    A pool that generates is read by the seconds of a mean generation at each number of sequences.
    """
    edge_s = np.arange(1, BUCKETS + 1) * deadline_s / BUCKETS
    fullest = np.full(BUCKETS, -1.0)
    table = np.full((BUCKETS, 1), float(pool.rank[-1]))
    for size in pool.rank:
        bucket = np.searchsorted(edge_s, _latencies_s(pool, int(size)))
        for batch, place in enumerate(bucket, start=1):
            if place + 1 < BUCKETS and batch > fullest[place + 1]:
                fullest[place + 1], table[place + 1] = batch, size
    for place in range(1, BUCKETS):
        if fullest[place] < 0.0:
            table[place] = table[place - 1]
    return table


def _latencies_s(pool: Pool, size: int) -> NDArray[np.float64]:
    """Return the seconds of each batch from 1 up."""
    if pool.mean_steps > 0.0:
        decoding = range(1, int(pool.max_sequences[size]) + 1)
        return pool.mean_steps * np.array([next_token_s(pool, size, sequences, 1.0) for sequences in decoding])
    batches: NDArray[np.float64] = pool.batch_s[size, 1 : pool.max_batch[size] + 1]
    return batches
