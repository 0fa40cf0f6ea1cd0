"""What the bars of the study share: the setting, the seeds, who is ours."""

from __future__ import annotations

import sys

from besteffort_study.catalogue import UNPREDICTABLE
from besteffort_study.entrants import entrants, static_name
from besteffort_study.grid import Load
from besteffort_study.profiles import PROFILES, gpu_profile

SCENARIO, LAYOUT = "SC", "co"
OURS = next(iter(entrants(SCENARIO, LAYOUT)))
"""The study's first entrant."""
SEEDS, CORES = 10, 2
UNPREDICTED = tuple(Load(*pair) for pair in UNPREDICTABLE)
LARGEST = len(gpu_profile(PROFILES[0]).sizes) - 1
SERVED, EXPIRY, FIFO = static_name(LARGEST), static_name(LARGEST, "expiry"), static_name(LARGEST, "FIFO")
"""The largest size alone: as the router serves it, where servers alone drop what is late, and where nobody does."""


def told(done: int, total: int) -> None:
    """Say on standard error how far it is."""
    sys.stderr.write(f"{done} of {total} simulations\n")
