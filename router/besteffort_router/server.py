"""The life of the process: listen, watch the files, drain, stop."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

import grpc.aio

from besteffort_router.endpoint import Endpoint, Page
from besteffort_router.errors import ConfigError, StartError

if TYPE_CHECKING:
    from besteffort_router.backends import Backends
    from besteffort_router.config import Settings
    from besteffort_router.dispatch import Dispatch
    from besteffort_router.metrics import Metrics
    from besteffort_router.reload import Watch
    from besteffort_router.servicer import Servicer

__all__ = ["Address", "Ports", "Router"]

RELOAD_S = 0.25
ROOM = 16
"""Calls beyond max_requests that grpc takes: those that are refused with a reason, and those that ask, not infer."""

_LOG = logging.getLogger(__name__)


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
        self, dispatch: Dispatch, backends: Backends, servicer: Servicer, metrics: Metrics, watch: Watch
    ) -> None:
        self._dispatch = dispatch
        self._backends = backends
        self._watch = watch
        self._servicer = servicer
        pages = {
            "/metrics": Page(metrics.page),
            "/healthz": Page(lambda: b"alive\n"),
            "/readyz": Page(lambda: b"ready\n" if dispatch.ready() else b"not ready\n", dispatch.ready),
        }
        self._endpoint = Endpoint(pages)
        # Grpc holds the body of a call before the router can refuse it: this bounds the bodies, for the whole process.
        self._most_calls = dispatch.settings.max_requests + ROOM
        self._server = grpc.aio.server(
            options=_server_options(dispatch.settings.max_bytes, self._most_calls),
            maximum_concurrent_rpcs=self._most_calls,
        )
        self._watching: asyncio.Task[None] | None = None

    async def start(self, listen: Address, metrics: Address) -> Ports:
        """Listen on both addresses, then connect to the backends.

        Raises:
            StartError: a port is taken or an address is not ours.
        """
        self._server.add_generic_rpc_handlers((self._servicer,))
        try:
            port = self._server.add_insecure_port(str(listen))
        except RuntimeError as error:
            raise StartError(f"--listen {listen}: cannot listen there; is the port taken?") from error
        metrics_port = await self._endpoint.start(*metrics)
        await self._server.start()
        self._report(self._dispatch.settings)
        self._watching = asyncio.create_task(self._work())
        return Ports(port, metrics_port)

    async def stop(self, drain_s: float) -> None:
        """Send clients elsewhere by GOAWAY, let what is under way end for `drain_s` seconds at most, then stop."""
        self._dispatch.draining = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._server.stop(drain_s)
        await self._endpoint.close()
        await self._backends.close()

    async def _work(self) -> None:
        await self._backends.open(self._dispatch.settings)
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                if self._watch.suspects():
                    await self._reload()
            except Exception:  # noqa: BLE001 - the outermost loop
                _LOG.exception("looking for a new configuration failed; the one in force stays")

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(self._watch.read)
        except ConfigError as error:
            self._dispatch.ledger.config_errors += 1
            _LOG.error("%s; the configuration in force stays", error)
            return
        if settings is not None:
            old = self._dispatch.settings
            await self._backends.open(settings)
            self._dispatch.adopt(settings)
            self._backends.retire(settings, grace_s=old.max_s * old.pool.grace_factor)
            self._report(settings)

    def _report(self, settings: Settings) -> None:
        _LOG.info("configuration %s is in force", settings.digest)
        if settings.max_requests + ROOM > self._most_calls:
            _LOG.warning("limits.max_requests: grpc takes %d calls at most until a restart", self._most_calls)
        if settings.bundle_error:
            self._dispatch.ledger.config_errors += 1
            _LOG.error("%s; until then %s rules", settings.bundle_error, settings.policy.rule.kind)


def _server_options(max_bytes: int, most_calls: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.max_send_message_length", -1),
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
