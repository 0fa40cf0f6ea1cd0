"""Errors of the trainers.

TrainingError
  ExportError   a policy is not written, since what trained it and what would run it disagree
"""

from __future__ import annotations

__all__ = ["ExportError", "TrainingError"]


class TrainingError(Exception):
    """Anything the trainers refuse; the message is one sentence for a user."""


class ExportError(TrainingError):
    """torch and numpy disagree about a network."""
