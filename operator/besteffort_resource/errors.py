"""The one error of a resource, or of a profile beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ResourceError"]

SENTENCES_SHOWN = 20


class ResourceError(ValueError):
    """A resource is refused; `sentences` holds one sentence for each fault, with the field's path and the fix."""

    def __init__(self, sentences: Iterable[str]) -> None:
        found = tuple(sentences)
        rest = len(found) - SENTENCES_SHOWN
        more = (f"and {rest} more; mend these first",) if rest > 0 else ()
        self.sentences = found[:SENTENCES_SHOWN] + more
        super().__init__("\n".join(self.sentences))
