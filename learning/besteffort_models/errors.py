"""The error tree of the package: each message is one sentence that says what to do."""

from __future__ import annotations

__all__ = ["MissingFileError", "ModelsError"]


class ModelsError(Exception):
    """The root: shown to the user as one sentence, without a traceback."""


class MissingFileError(ModelsError):
    """A file that an earlier command writes is not there."""
