"""Faults of number: a name that is there twice, no source or several where exactly one is wanted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NO_SOURCE", "SEVERAL_SOURCES", "how_many", "repeated"]

NO_SOURCE: Final = "no source"
SEVERAL_SOURCES: Final = "more than one source"


def repeated(path: str, names: Sequence[str], *, field: str = "") -> Iterator[str]:
    """Yield one sentence for each name that is there twice or more."""
    for name, times in Counter(names).items():
        if times > 1:
            second = names.index(name, names.index(name) + 1)
            yield f"{path}[{second}]{field}: {name} is there {times} times; keep one"


def how_many(*sources: object) -> str | None:
    """Return in words how many of the sources are there, or None if it is exactly one."""
    count = sum(source is not None for source in sources)
    return None if count == 1 else SEVERAL_SOURCES if count else NO_SOURCE
