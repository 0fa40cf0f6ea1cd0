"""What can go wrong with a cluster for tests; every message is a sentence for people.

ClusterError
├── MissingProgramError   a program is not there and cannot be built: tests skip
├── StartError            a process ended or was not ready in time
└── CommandError          kubectl refused; the message is what it wrote
"""

from __future__ import annotations

__all__ = ["ClusterError", "CommandError", "MissingProgramError", "StartError"]


class ClusterError(Exception):
    """The cluster is not as asked for."""


class MissingProgramError(ClusterError):
    """A program is neither here nor can it be built."""


class StartError(ClusterError):
    """A process of the cluster did not become ready."""


class CommandError(ClusterError):
    """A command for the cluster failed."""
