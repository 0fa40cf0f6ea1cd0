"""The way to one Triton server.

`Upstream` is the seam: another transport, or a fake, needs no more than it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

import grpc
import grpc.aio

from besteffort_router.dispatch import DECOUPLED, Outcome
from besteffort_router.errors import Code, MalformedError
from besteffort_router.wire import read_piece

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Heard = Callable[[bytes], Awaitable[None]]

__all__ = ["SERVICE", "Answer", "GrpcUpstream", "Metadata", "Upstream"]

Metadata = tuple[tuple[str, str | bytes], ...]

SERVICE = "/inference.GRPCInferenceService/"
NOT_STREAMED = "triton_grpc_error"
"""Asks Triton to end a stream with the status of an error, not its text alone. Triton 2.51 dies of it when the model
sends anything after the error, so no client's wish for it goes through.
"""
UNAVAILABLE = ("Request for unknown model", "Exceeds maximum queue size")
"""How errors begin, told as text, that another server may not have."""
_OK = Outcome(Code.OK)
_PEER = re.compile(r"received from peer \S+:\S")


class Answer(NamedTuple):
    """What a server answered."""

    outcome: Outcome
    body: bytes = b""


class Upstream(Protocol):
    """One Triton server."""

    async def call(self, method: str, body: bytes, timeout_s: float, metadata: Metadata = ()) -> Answer:
        """Return the answer; a server that cannot be reached is UNAVAILABLE and lost."""

    async def stream(self, body: bytes, timeout_s: float, metadata: Metadata, heard: Heard | None) -> Answer:
        """Return the last answer of a model that may give several; `heard` gets each message as it comes.

        No answer at all is an error where there is no `heard`.
        """

    async def close(self, grace_s: float) -> None:
        """Close when the calls under way have ended, at the latest after `grace_s`."""


class GrpcUpstream:
    """A Triton server behind a grpc.aio channel."""

    def __init__(self, address: str, max_bytes: int) -> None:
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", max_bytes),
            # Back within half a second after a restart, instead of up to two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
        ]
        self._channel = grpc.aio.insecure_channel(address, options=options)
        self._calls: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._stream: grpc.aio.StreamStreamMultiCallable[bytes, bytes]
        self._stream = self._channel.stream_stream(SERVICE + DECOUPLED)

    async def call(self, method: str, body: bytes, timeout_s: float, metadata: Metadata = ()) -> Answer:
        """Return the answer; a server that cannot be reached is UNAVAILABLE and lost."""
        call = self._calls.get(method)
        if call is None:
            call = self._calls[method] = self._channel.unary_unary(SERVICE + method)
        try:
            return Answer(_OK, await call(body, timeout=timeout_s, metadata=metadata))
        except grpc.aio.AioRpcError as error:
            return self._failure(error)

    async def stream(self, body: bytes, timeout_s: float, metadata: Metadata, heard: Heard | None) -> Answer:
        """Return the last answer of a model that may give several; `heard` gets each message as it comes.

        No answer at all is an error where there is no `heard`. One who does not take what he hears has no more time.
        """
        passed = tuple(entry for entry in metadata if entry[0] != NOT_STREAMED)
        call = self._stream(_once(body), timeout=timeout_s, metadata=passed)
        try:
            async with asyncio.timeout(timeout_s):
                return await _last_of(call, heard)
        except TimeoutError:
            return Answer(Outcome(Code.DEADLINE_EXCEEDED))
        except grpc.aio.AioRpcError as error:
            return self._failure(error)
        except MalformedError:
            return Answer(Outcome(Code.INTERNAL, "the server's answer cannot be read"))
        finally:
            call.cancel()

    async def close(self, grace_s: float) -> None:
        """Close when the calls under way have ended, at the latest after `grace_s`."""
        await self._channel.close(grace_s)

    def _failure(self, error: grpc.aio.AioRpcError) -> Answer:
        code, said = Code(error.code().value[0]), error.details() or ""
        if code is Code.NOT_FOUND and said.startswith(UNAVAILABLE):
            # The router named the model, and this server has just unloaded it or not loaded it yet.
            code = Code.UNAVAILABLE
        return Answer(Outcome(code, said, code is Code.UNAVAILABLE and self._lost(error)))

    def _lost(self, error: grpc.aio.AioRpcError) -> bool:
        """Tell a broken connection from a server that answers UNAVAILABLE.

        Both come without metadata, and the channel may still seem READY when the calls on a broken connection end;
        but only an answer came from a peer that grpc can name.
        """
        named = _PEER.search(error.debug_error_string() or "") is not None
        return not named or self._channel.get_state() is not grpc.ChannelConnectivity.READY


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _last_of(call: grpc.aio.StreamStreamCall[bytes, bytes], heard: Heard | None) -> Answer:
    """Read a stream to its end, also after an error: Triton 2.51 dies if that is cancelled while the model sends on."""
    last, failed = b"", ""
    async for message in call:
        piece = read_piece(message)
        failed = failed or piece.error
        if piece.has_output:
            last = piece.response
        if heard is not None and not failed:
            await heard(message)
    if failed:
        return Answer(Outcome(Code.UNAVAILABLE if failed.startswith(UNAVAILABLE) else Code.INTERNAL, failed))
    if heard is None and not last:
        return Answer(Outcome(Code.INTERNAL, "the model ended without an answer"))
    return Answer(_OK, last)
