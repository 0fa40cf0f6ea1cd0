"""What the figures of a study follow from, as a digest: a cell of another source is not used again."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import numpy as np

import besteffort_core
import besteffort_sim
import besteffort_study
import besteffort_train

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["digest_of", "source_digest"]

PLAYING = (besteffort_core, besteffort_sim, besteffort_train, besteffort_study)
"""Packages whose every file, data among them, can change a figure, but for `IDLE`."""
READING = ("comparison", "document", "markdown", "page", "plots", "report", "statistics")
ASKING = ("executor", "files", "grid", "job", "run", "store", "studies")
MAKING = ("ground", "training", "tuning")
SEARCHING = ("experience", "perceptron", "recipe", "search", "strategy", "threads", "tune")
IDLE = {besteffort_study.__name__: (*READING, *ASKING, *MAKING), besteffort_train.__name__: SEARCHING}
"""Modules that say what is played, or read what was, or made the policies that are kept: they change no figure."""


@cache
def source_digest() -> str:
    """Return the digest of all source and data that cells are computed from, and of what computes."""
    digest = hashlib.sha256(f"numpy {np.__version__} numba {numba.__version__}".encode())
    for package in PLAYING:
        for name, path in _files(package):
            digest.update(f"{package.__name__}/{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _files(package: ModuleType) -> list[tuple[str, Path]]:
    folder = Path(str(package.__file__)).parent
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    idle = {f"{name}.py" for name in IDLE.get(package.__name__, ())}
    named = [(str(path.relative_to(folder)), path) for path in found]
    return [(name, path) for name, path in named if name not in idle]


def digest_of(*parts: str) -> str:
    """Return the digest of a list of texts, long enough to tell policies apart."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
