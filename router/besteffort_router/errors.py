"""Errors of the router, and the gRPC status codes as plain numbers: only the transport knows grpc's own.

RouterError
  ConfigError    a configuration is refused; the message names the field
  StartError     the router cannot start, for example since a port is taken
  RequestError   a client's request is refused; `code` says how
    MalformedError      INVALID_ARGUMENT
    UnknownModelError   NOT_FOUND
    TooLargeError       RESOURCE_EXHAUSTED
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "Code",
    "ConfigError",
    "MalformedError",
    "RequestError",
    "RouterError",
    "StartError",
    "TooLargeError",
    "UnknownModelError",
]


class Code(IntEnum):
    """The gRPC status codes, as on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RouterError(Exception):
    """Anything the router refuses; the message is one sentence for a user."""


class ConfigError(RouterError):
    """A configuration is refused; the message names the field and the fix."""


class StartError(RouterError):
    """The router cannot start."""


class RequestError(RouterError):
    """A request is refused."""

    code = Code.INTERNAL


class MalformedError(RequestError):
    """A request that is not well formed."""

    code = Code.INVALID_ARGUMENT


class UnknownModelError(RequestError):
    """A request for a model that is not served here."""

    code = Code.NOT_FOUND


class TooLargeError(RequestError):
    """A request larger than the router takes."""

    code = Code.RESOURCE_EXHAUSTED
