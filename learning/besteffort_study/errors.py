"""Errors of the study.

StudyError   a profile, a pool, a scenario or a workload is not there, or does not fit the others
"""

from __future__ import annotations

__all__ = ["StudyError"]


class StudyError(ValueError):
    """What was asked for cannot be studied; the message is one sentence for a user."""
