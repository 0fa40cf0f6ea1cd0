"""What every call of a client has: metadata to read, a status and trailing metadata to end with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from besteffort_router.errors import Code
from besteffort_router.terms import Arrival

if TYPE_CHECKING:
    from besteffort_router.dispatch import Reply
    from besteffort_router.upstream import Metadata

    Context = grpc.aio.ServicerContext[bytes, bytes]

__all__ = ["end_call", "read_call"]

DEADLINE, TASK, SIZE = "bes-deadline-ms", "bes-task", "bes-size"
NOT_PASSED = frozenset({DEADLINE, TASK, SIZE, "user-agent", "content-type", "te"})
_STATUS = {Code(status.value[0]): status for status in grpc.StatusCode}


def read_call(body: bytes, context: Context) -> tuple[Arrival, Metadata]:
    """Return what the router reads of a call, and the metadata that goes through to Triton."""
    own: dict[str, str] = {}
    passed = []
    for key, value in context.invocation_metadata() or ():
        if key not in NOT_PASSED:
            passed.append((key, value))
        elif isinstance(value, str):
            own[key] = value
    arrival = Arrival(body, own.get(DEADLINE), own.get(TASK), own.get(SIZE), context.time_remaining())
    return arrival, tuple(passed)


def end_call(context: Context, reply: Reply, body: bytes = b"") -> bytes:
    """End a call as a reply says and return the body to answer with."""
    context.set_trailing_metadata(reply.trailers)
    if reply.code is Code.OK:
        return body
    context.set_code(_STATUS[reply.code])
    context.set_details(reply.message)
    return b""
