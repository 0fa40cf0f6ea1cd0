"""The learned policy: a Q-network on what `observation` lays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_core.dqn import Network, best_ready, in_range, q_values
from besteffort_core.observation import encode

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot

__all__ = ["Network", "best_ready", "choose_learned", "in_range", "q_values"]


def choose_learned(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, network: Network) -> int:
    """Return the backend of the ready size with the greatest Q-value, -1 if none is ready."""
    return best_ready(q_values(network, encode(request, candidates, pool, snapshot)), candidates)
