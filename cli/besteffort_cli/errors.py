"""Errors of the command line.

CliError
  InputError     a file, an option or a resource that the user gave is refused
"""

from __future__ import annotations

__all__ = ["CliError", "InputError"]


class CliError(Exception):
    """Anything a command refuses or fails at; the message is one sentence for a user."""


class InputError(CliError):
    """A file, an option or a resource is refused; the sentence names the field and the fix."""
