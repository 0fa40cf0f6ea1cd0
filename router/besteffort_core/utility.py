"""What an answer is worth: the one definition for training, metrics and reports.

Hard deadlines are those with grace_factor 1 (arXiv 2401.07886, section "hard and soft deadlines"; the formula is ours).
"""

from __future__ import annotations

__all__ = ["utility", "worth_until_s"]


def worth_until_s(deadline_s: float, grace_factor: float) -> float:
    """Return the latency in seconds from which an answer is worth nothing."""
    return deadline_s * max(grace_factor, 1.0)


def utility(quality: float, latency_s: float, deadline_s: float, grace_factor: float) -> float:
    """Return quality if in time; after the deadline it falls linearly to 0 at grace_factor x deadline."""
    if latency_s <= deadline_s:
        return quality
    end_s = worth_until_s(deadline_s, grace_factor)
    if latency_s >= end_s:
        return 0.0
    return quality * (end_s - latency_s) / (end_s - deadline_s)
