"""Errors of the operator.

OperatorError
  ReportError      what a router says about itself cannot be read
  ApiError         the API server said no, or nothing
    UnavailableError   nothing came in time, or 429 or 5xx: try again
      UnauthorizedError  401: a token that has expired is read anew at the next try
    ConflictError      someone else wrote, or the object exists: read again
    NotFoundError      the object, or its kind, is not there
    ForbiddenError     a right is missing
    InvalidError       the object is refused
  ListenError      an address to answer at cannot be had
  NotLeadingError  a write was stopped because this process may not lead any more
"""

from __future__ import annotations

__all__ = [
    "ApiError",
    "ConflictError",
    "ForbiddenError",
    "InvalidError",
    "ListenError",
    "NotFoundError",
    "NotLeadingError",
    "OperatorError",
    "ReportError",
    "UnauthorizedError",
    "UnavailableError",
]


class OperatorError(ValueError):
    """Anything the operator refuses; the message is for a user."""


class ReportError(OperatorError):
    """What a router says about itself cannot be read."""


class ApiError(OperatorError):
    """A call of the API failed; `said` is why, without the call."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said or message


class UnavailableError(ApiError):
    """The API server did not answer in time, or asked to come later."""


class UnauthorizedError(UnavailableError):
    """The API server does not take the credentials; those of a pod may have expired just now."""


class ConflictError(ApiError):
    """Someone else wrote first, or the object exists already."""


class NotFoundError(ApiError):
    """The object is not there, or the API server does not know its kind."""


class ForbiddenError(ApiError):
    """The operator may not do this."""


class InvalidError(ApiError):
    """The API server refuses the object."""


class ListenError(OperatorError):
    """An address to answer at cannot be had."""

    def __init__(self, flag: str, address: tuple[str, int], error: OSError) -> None:
        why = (error.strerror or str(error)).rpartition(": ")[2]
        super().__init__(f"cannot answer at {address[0]}:{address[1]} ({why}); name another with {flag} HOST:PORT")


class NotLeadingError(OperatorError):
    """A write was stopped because this process may not lead any more."""
