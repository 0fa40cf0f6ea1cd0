"""Errors of the command line.

CliError
  InputError               a file, an option or a resource that the user gave is refused
  EnvironmentMissingError  what a command needs is not on this machine and cannot be put there
  ServerError              a server (Triton or the router) did not start, or did not answer as it must
"""

from __future__ import annotations

__all__ = ["CliError", "EnvironmentMissingError", "InputError", "ServerError"]


class CliError(Exception):
    """Anything a command refuses or fails at; the message is one sentence for a user."""


class InputError(CliError):
    """A file, an option or a resource is refused; the sentence names the field and the fix."""


class EnvironmentMissingError(CliError):
    """What a command needs is missing here; the sentence names what would do."""


class ServerError(CliError):
    """A server did not start, or did not answer as it must; the sentence says what it said last."""
