"""Pure: how long ago something was, as short as kubectl says it."""

from __future__ import annotations

from datetime import datetime

__all__ = ["age"]

UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def age(moment: str, now: datetime) -> str:
    """Return how long ago an RFC 3339 moment was, in its largest unit of which there are two or more, such as 3m."""
    seconds = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    return next((f"{seconds // size}{unit}" for unit, size in UNITS if seconds >= 2 * size), f"{seconds}s")
