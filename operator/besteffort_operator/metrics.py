"""What the operator measures about itself, and the page that shows it and its health. Every metric's name is here."""

from __future__ import annotations

import time
from collections import Counter as Tally
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from besteffort_operator.errors import ListenError, OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from besteffort_operator.reconcile import Outcome
    from besteffort_operator.work import Key

__all__ = ["Metrics", "serving"]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNEXPECTED = "Unexpected"


class Metrics:
    """The operator's own metrics."""

    def __init__(self, queued: Callable[[], int]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._reconcile_seconds = Histogram(
            "besteffort_operator_reconcile_seconds",
            "Seconds that a reconcile took, by what it did.",
            ["result"],
            buckets=SECONDS,
            registry=registry,
        )
        self._reconcile_errors = Counter(
            "besteffort_operator_reconcile_errors_total",
            "Reconciles that ended in an error and are tried again.",
            ["reason"],
            registry=registry,
        )
        self._services = Gauge(
            "besteffort_operator_services",
            "Services by their condition Ready, as this replica last wrote it.",
            ["ready"],
            registry=registry,
        )
        self.leader = Gauge("besteffort_operator_leader", "1 where this replica leads.", registry=registry)
        waiting = Gauge("besteffort_operator_queued", "Services that wait for a reconcile.", registry=registry)
        waiting.set_function(queued)
        self._ready: dict[Key, bool] = {}

    async def measured(self, reconcile: Callable[[Key], Awaitable[Outcome]], key: Key) -> float | None:
        """Reconcile a service, count how long it took and what came of it; return when to look again."""
        began_s, result = time.monotonic(), "error"
        try:
            outcome = await reconcile(key)
            result = outcome.result
        except Exception as error:
            known = isinstance(error, OperatorError)
            reason = type(error).__name__.removesuffix("Error") if known else UNEXPECTED
            self._reconcile_errors.labels(reason).inc()
            raise
        finally:
            self._reconcile_seconds.labels(result).observe(time.monotonic() - began_s)
        self._count(key, ready=outcome.ready)
        return outcome.again_s

    def page(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self._registry)

    def _count(self, key: Key, *, ready: bool | None) -> None:
        self._ready.pop(key, None)
        if ready is not None:
            self._ready[key] = ready
        tally = Tally(self._ready.values())
        for state in (True, False):
            self._services.labels(str(state).lower()).set(tally[state])


@asynccontextmanager
async def serving(metrics: Metrics, address: tuple[str, int], is_ready: Callable[[], bool]) -> AsyncIterator[str]:
    """Serve /metrics, /healthz and /readyz while the context lasts; yield the address, host:port.

    /healthz says that the process answers: an API server that is away is no reason to restart it.

    Raises:
        ListenError: the address is taken.
    """

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readiness(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="waits for the API server, the CRD or the webhook's certificate\n")

    application = web.Application()
    application.add_routes([web.get("/metrics", page), web.get("/healthz", health), web.get("/readyz", readiness)])
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *address).start()
        except OSError as error:
            raise ListenError("--metrics", address, error) from error
        host, port, *_ = runner.addresses[0]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
