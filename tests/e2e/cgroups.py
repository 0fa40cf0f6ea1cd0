"""The control groups that containers leave behind: the only thing of a node that namespaces do not take away."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Self

__all__ = ["Cgroups"]

ROOT = Path("/sys/fs/cgroup")
PARENT = "k8s.io"
TRIES = 50
PAUSE_S = 0.1


class Cgroups:
    """Leaving removes those that were not there on entering."""

    def __init__(self) -> None:
        self._before: set[Path] = set()

    def __enter__(self) -> Self:
        self._before = set(_all())
        return self

    def __exit__(self, *_: object) -> None:
        for _try in range(TRIES):
            left = [group for group in _all() if group not in self._before]
            if not left:
                return
            # The deepest first; one that still holds a dying process is busy for a moment.
            for group in sorted(left, key=lambda group: -len(group.parts)):
                with contextlib.suppress(OSError):
                    group.rmdir()
            time.sleep(PAUSE_S)


def _all() -> list[Path]:
    parents = [ROOT / PARENT, *ROOT.glob(f"*/{PARENT}")]
    return [group for parent in parents if parent.is_dir() for group in (parent, *_below(parent))]


def _below(folder: Path) -> list[Path]:
    return [place for place in folder.rglob("*") if place.is_dir()]
