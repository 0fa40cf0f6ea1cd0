"""Errors of the operator.

OperatorError
  ReportError      what a router says about itself cannot be read
  ApiError         the API server said no, or nothing
    UnavailableError   nothing came in time, or 401, 429 or 5xx: try again
    ConflictError      someone else wrote, or the object exists: read again
    NotFoundError      the object, or its kind, is not there
    ForbiddenError     a right is missing
    InvalidError       the object is refused
  NotLeadingError  a write was stopped because this process may not lead any more
"""

from __future__ import annotations

__all__ = [
    "ApiError",
    "ConflictError",
    "ForbiddenError",
    "InvalidError",
    "NotFoundError",
    "NotLeadingError",
    "OperatorError",
    "ReportError",
    "UnavailableError",
]


class OperatorError(ValueError):
    """Anything the operator refuses; the message is for a user."""


class ReportError(OperatorError):
    """What a router says about itself cannot be read."""


class ApiError(OperatorError):
    """A call of the API failed."""


class UnavailableError(ApiError):
    """The API server did not answer in time, or asked to come later."""


class ConflictError(ApiError):
    """Someone else wrote first, or the object exists already."""


class NotFoundError(ApiError):
    """The object is not there, or the API server does not know its kind."""


class ForbiddenError(ApiError):
    """The operator may not do this."""


class InvalidError(ApiError):
    """The API server refuses the object."""


class NotLeadingError(OperatorError):
    """A write was stopped because this process may not lead any more."""
