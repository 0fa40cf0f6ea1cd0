"""Faults of number: a name that is there twice, no source or several where exactly one is wanted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["how_many", "repeated"]

SOURCES = {0: "no source", 2: "two sources"}


def repeated(path: str, names: Sequence[str], *, field: str = "") -> Iterator[str]:
    """Yield one sentence for each name that is there twice or more."""
    for name, times in Counter(names).items():
        if times > 1:
            second = names.index(name, names.index(name) + 1)
            yield f"{path}[{second}]{field}: {name} is there {times} times; keep one"


def how_many(*sources: object) -> str | None:
    """Return in words how many of the sources are there, or None if it is exactly one."""
    count = sum(source is not None for source in sources)
    return None if count == 1 else SOURCES.get(count, f"{count} sources")
