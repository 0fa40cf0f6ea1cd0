"""Which sizes lie on which GPUs, and what is true of them: pools and worlds of the study.

A layout lists the GPUs; the letters of each are its sizes (S small, M medium, L large), and LL is a large one that is
split over two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.pool import BackendSpec, Generation, build_pool
from besteffort_sim.model import World
from besteffort_study.errors import StudyError
from besteffort_study.profiles import size_spec, tensor_parallel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_core.model import Pool
    from besteffort_core.pool import SizeSpec
    from besteffort_study.profiles import Profile, Roofline
    from besteffort_study.scenarios import Scenario

__all__ = ["LAYOUTS", "build_study_pool", "true_world"]

LAYOUTS = {
    "co": "SML SML SML SML",
    "ded": "L L M S",
    "3L1x": "L L L SM",
    "1L2M1S": "L M M S",
    "tp2": "LL M S",
}
SPLIT = "LL"
UNLIMITED = 2**40
"""Requests in flight that no study reaches: what cannot be answered in time expires instead."""


def build_study_pool(profile: Profile, layout: str, scenario: Scenario) -> Pool:
    """Return the pool of a layout: a name, or GPUs such as `L L M S`.

    Raises:
        StudyError: the layout is neither, or has a large size both split and whole.
    """
    gpus = LAYOUTS.get(layout, layout).split()
    letters = {"SML"[k]: size for k, size in enumerate(profile.sizes)}
    if not gpus or any(gpu != SPLIT and (len(set(gpu)) < len(gpu) or not set(gpu) <= set(letters)) for gpu in gpus):
        raise StudyError(f"layout {layout!r} is not one of {', '.join(LAYOUTS)}, nor GPUs such as 'SML SM LL'")
    if SPLIT in gpus:
        if any("L" in gpu for gpu in gpus if gpu != SPLIT):
            raise StudyError(f"layout {layout!r}: the large size is either split or whole")
        letters["L"] = tensor_parallel(profile, letters["L"])
    specs = [size_spec(size, _max_context(profile, letters, letter, gpus)) for letter, size in letters.items()]
    backends = [
        BackendSpec(letters[letter].size, f"gpu{number:03}")
        for number, gpu in enumerate(gpus)
        for letter in sorted(set(gpu), key="SML".index)
    ]
    return _build(scenario, specs, backends)


def _build(scenario: Scenario, specs: Sequence[SizeSpec], backends: Sequence[BackendSpec]) -> Pool:
    lengths, generation = scenario.lengths, None
    if lengths.generating > 0.0:
        generation = Generation(prompt=sum(lengths.prompt) / 2, output=lengths.mean_output)
    return build_pool(
        scenario.tasks, specs, backends, grace_factor=scenario.grace_factor, turns=True, generation=generation
    )


def _max_context(profile: Profile, letters: dict[str, Roofline], letter: str, gpus: Sequence[str]) -> int:
    """Return the tokens in the KV cache of a size, on the GPU where it shares with most.

    What the weights leave is divided by what each size needs for as many sequences as it takes.
    """
    shared = [[letters[other] for other in set(gpu)] for gpu in gpus if letter in gpu]
    free_bytes = [profile.memory_bytes - sum(size.weights_bytes for size in sizes) for sizes in shared]
    wanted = [sum(size.context_bytes * size.max_sequences for size in sizes) for sizes in shared]
    shares = [free / bytes_ for free, bytes_ in zip(free_bytes, wanted, strict=True)]
    return int(min(shares, default=1.0) * letters[letter].max_sequences)


def true_world(pool: Pool) -> World:
    """Return a world in which the profile is true, all backends are ready, and one router sees everything."""
    sizes, backends = pool.max_batch.shape[0], pool.size_of.shape[0]
    return World(
        slowness=np.ones(sizes),
        ready=np.ones(backends, dtype=np.bool_),
        overhead_s=0.0,
        max_requests=UNLIMITED,
        foresight=True,
        routers=1,
        scrape_s=0.0,
    )
