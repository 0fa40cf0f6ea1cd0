"""Errors of the trainers: one, TrainingError."""

from __future__ import annotations

__all__ = ["TrainingError"]


class TrainingError(Exception):
    """Anything the trainers refuse; the message is one sentence for a user."""
