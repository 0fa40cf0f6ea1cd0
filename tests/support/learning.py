"""The small pool as a service to learn for."""

from __future__ import annotations

from besteffort_train.episodes import Service
from support.pools import SIZES, TASKS, three_sizes


def small_service() -> Service:
    return Service(TASKS, SIZES, three_sizes(), deadline_s=0.4, max_requests=512)
