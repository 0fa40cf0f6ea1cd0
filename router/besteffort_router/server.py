"""The life of the process: listen, drain, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import grpc
import grpc.aio

from besteffort_router.endpoint import Endpoint
from besteffort_router.errors import StartError
from besteffort_router.watching import MOST as MOST_WATCHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_router.backends import Backends
    from besteffort_router.certificate import Certificate
    from besteffort_router.dispatch import Dispatch
    from besteffort_router.endpoint import Page
    from besteffort_router.follow import Follower

__all__ = ["Address", "Ports", "Router"]

ROOM = 16 + MOST_WATCHING
"""Calls beyond max_requests that grpc takes: those that are refused with a reason, and those that ask, not infer."""

CONNECTION_S = 30
LAST_CALLS_S = 3600
"""How long a connection that has reached its age may be kept by the calls on it."""


class Address(NamedTuple):
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Ports(NamedTuple):
    """Where it listens."""

    grpc: int
    metrics: int


class Router:
    """A router from start to stop."""

    def __init__(
        self,
        dispatch: Dispatch,
        backends: Backends,
        follower: Follower,
        handlers: Sequence[grpc.GenericRpcHandler],
        pages: Mapping[str, Page],
    ) -> None:
        """`handlers` answer on the gRPC port, `pages` by path on the other."""
        self._dispatch = dispatch
        self._backends = backends
        self._follower = follower
        self._handlers = handlers
        self._endpoint = Endpoint(pages)
        # Grpc holds the body of a call before the router can refuse it. This bounds their number, and the size of each.
        most_calls = dispatch.settings.max_requests + ROOM
        self._server = grpc.aio.server(
            options=_server_options(dispatch.settings.max_bytes, most_calls), maximum_concurrent_rpcs=most_calls
        )

    async def start(self, listen: Address, metrics: Address, certificate: Certificate | None = None) -> Ports:
        """Listen on both addresses, on the first by TLS if there is a certificate, then connect to the backends.

        Raises:
            StartError: a port is taken or an address is not ours.
        """
        self._server.add_generic_rpc_handlers(self._handlers)
        try:
            port = self._add_port(str(listen), certificate)
        except RuntimeError as error:
            raise StartError(f"--listen {listen}: cannot listen there; is the port taken?") from error
        metrics_port = await self._endpoint.start(*metrics)
        await self._server.start()
        self._follower.start()
        return Ports(port, metrics_port)

    def _add_port(self, listen: str, certificate: Certificate | None) -> int:
        if certificate is None:
            return self._server.add_insecure_port(listen)
        return self._server.add_secure_port(listen, certificate.credentials())

    async def stop(self, drain_s: float) -> None:
        """Send clients elsewhere by GOAWAY, let what is under way end for `drain_s` seconds at most, then stop."""
        self._dispatch.draining = True
        await self._follower.stop()
        await self._server.stop(drain_s)
        await self._endpoint.close()
        await self._backends.close()


def _server_options(max_bytes: int, most_calls: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.max_send_message_length", -1),
        # So a client finds other routers, and none is left on this one when it stops: a stopping server drops the calls
        # that come before the client has heard of it, one that only ends a connection by its age answers them.
        ("grpc.max_connection_age_ms", CONNECTION_S * 1000),
        ("grpc.max_connection_age_grace_ms", LAST_CALLS_S * 1000),
        ("grpc.max_concurrent_streams", most_calls),
        # Else a burst on a new connection ends UNAVAILABLE, by RST_STREAM, where it should be refused with a reason.
        ("grpc.http.overload_protection", 0),
        # Two routers on one port would share its clients without a word.
        ("grpc.so_reuseport", 0),
        # Clients may ping as they like: idle ones keep their connection through load balancers that way.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000),
        ("grpc.http2.max_ping_strikes", 0),
    ]
