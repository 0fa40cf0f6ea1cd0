"""What a client asks for besides the tensors: a deadline, a task, perhaps a size. Parameter wins over metadata."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from besteffort_router.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_router.config import Settings
    from besteffort_router.wire import Scalar

__all__ = ["OTHER_TASK", "Arrival", "Terms", "read_terms"]

OTHER_TASK = "other"
LEAST_S = 0.001
"""A call whose gRPC deadline is just passing still has a positive one."""


class Arrival(NamedTuple):
    """A request as it came in, whatever the transport."""

    body: bytes
    deadline: str | None = None
    """Metadata bes-deadline-ms."""
    task: str | None = None
    """Metadata bes-task."""
    size: str | None = None
    """Metadata bes-size."""
    remaining_s: float | None = None
    """Seconds until the client's own gRPC deadline."""


class Terms(NamedTuple):
    """What was asked for."""

    deadline_s: float
    task: str
    size: str
    """Empty: any."""


def read_terms(parameters: Mapping[str, Scalar], arrival: Arrival, settings: Settings) -> Terms:
    """Return the terms of a request.

    Raises:
        MalformedError: naming the field.
    """
    task = parameters.get("task", arrival.task)
    return Terms(
        deadline_s=min(_deadline_s(parameters, arrival, settings), settings.max_s),
        task=task if task in settings.tasks else OTHER_TASK,
        size=_size(parameters.get("bes-size", arrival.size), settings),
    )


def _deadline_s(parameters: Mapping[str, Scalar], arrival: Arrival, settings: Settings) -> float:
    if "deadline_ms" in parameters:
        return _seconds("deadline_ms", parameters["deadline_ms"])
    if arrival.deadline is not None:
        return _seconds("bes-deadline-ms", arrival.deadline)
    if arrival.remaining_s is not None:
        return max(arrival.remaining_s, LEAST_S)
    return settings.default_s


def _seconds(field: str, value: Scalar) -> float:
    try:
        milliseconds = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, OverflowError):
        milliseconds = math.nan
    if not (math.isfinite(milliseconds) and milliseconds > 0.0):
        raise MalformedError(f"{field}: {str(value)[:40]!r} is not a positive number of milliseconds")
    return milliseconds / 1000.0


def _size(value: Scalar | None, settings: Settings) -> str:
    if value is None:
        return ""
    if value not in settings.sizes:
        raise MalformedError(f"bes-size: {str(value)[:40]!r} is not one of {', '.join(settings.sizes)}")
    return str(value)
