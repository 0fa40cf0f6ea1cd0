"""Which cores of this machine the model servers get, and which everything else."""

from __future__ import annotations

import os
from dataclasses import dataclass

from besteffort_cli.errors import InputError

__all__ = ["CoreSplit", "split_cores"]


@dataclass(frozen=True)
class CoreSplit:
    """Two sets of cores; the same set twice where there is only one core."""

    servers: frozenset[int]
    rest: frozenset[int]


def split_cores(wanted: str = "") -> CoreSplit:
    """Give the servers the wanted cores ("1,3"), the last one if none is named, and everything else the others.

    Raises:
        InputError: not numbers, or not cores that this process may use.
    """
    usable = os.sched_getaffinity(0)
    try:
        servers = {int(core) for core in wanted.split(",")} if wanted else {max(usable)}
    except ValueError:
        servers = set()
    if not servers or not servers <= usable:
        raise InputError(f"--cores {wanted}: give numbers out of {','.join(map(str, sorted(usable)))}.")
    return CoreSplit(frozenset(servers), frozenset(usable - servers or usable))
