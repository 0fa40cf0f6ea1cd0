"""Errors of the operator.

OperatorError
  ResourceError   a resource, or a profile beside it, is refused
  ReportError     what a router says about itself cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["OperatorError", "ReportError", "ResourceError"]

SENTENCES_SHOWN = 20


class OperatorError(ValueError):
    """Anything the operator refuses; the message is for a user."""


class ResourceError(OperatorError):
    """A resource is refused; `sentences` holds one sentence for each fault, with the field's path and the fix."""

    def __init__(self, sentences: Iterable[str]) -> None:
        found = tuple(sentences)
        rest = len(found) - SENTENCES_SHOWN
        more = (f"and {rest} more; mend these first",) if rest > 0 else ()
        self.sentences = found[:SENTENCES_SHOWN] + more
        super().__init__("\n".join(self.sentences))


class ReportError(OperatorError):
    """What a router says about itself cannot be read."""
