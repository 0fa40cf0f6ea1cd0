"""Simulations on all cores that this process may use: they let go of the interpreter, so threads are enough."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Asked = TypeVar("Asked")
    Found = TypeVar("Found")

__all__ = ["in_threads"]


def in_threads(play: Callable[[Asked], Found], asked: Iterable[Asked]) -> list[Found]:
    """Return what `play` returns for each, in order, however many cores there are."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return list(threads.map(play, asked))
