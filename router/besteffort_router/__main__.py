"""Wire the parts of a router together and run it until SIGTERM. The only place that does."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from besteffort_router.backends import Backends
from besteffort_router.certificate import Certificate
from besteffort_router.config import load_settings
from besteffort_router.discovery import Discovery, addresses_of
from besteffort_router.dispatch import Dispatch
from besteffort_router.endpoint import Page
from besteffort_router.errors import RouterError
from besteffort_router.exchange import Exchange
from besteffort_router.follow import Follower
from besteffort_router.health import Health
from besteffort_router.ledger import Ledger
from besteffort_router.metrics import Metrics
from besteffort_router.reload import Watch
from besteffort_router.scaler import Scaler
from besteffort_router.server import Address, Router
from besteffort_router.servicer import Servicer
from besteffort_router.status import Status
from besteffort_router.upstream import GrpcUpstream
from besteffort_router.watching import Watching

with contextlib.suppress(ImportError):
    import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from besteffort_router.config import Settings
    from besteffort_router.discovery import Resolve

__all__ = ["build_router", "main"]

DESCRIPTION = """\
Answer requests for one model by the best of its sizes that can still answer in time.

Clients speak to --listen as to a Triton server (KServe v2 gRPC); gRPC health checks and KEDA's external scaler are
answered there too. FILE is a RouterConfig in protobuf JSON; it and the policy bundle that it names are watched: a
change takes effect at once, a bad one is refused and the old one stays.
Probes and Prometheus ask --metrics for /healthz, /readyz and /metrics; /status says in JSON what is in force.
"""


def build_router(path: Path, settings: Settings, resolve: Resolve = addresses_of) -> Router:
    """Return a router that is not yet started; needs a running event loop."""
    clock = time.monotonic
    rng = Random()  # noqa: S311 - spreads probes and lookups in time
    dispatch = Dispatch(settings, Ledger(), time.perf_counter)
    backends = Backends(
        dispatch.load,
        lambda replica: GrpcUpstream(replica.address, settings.max_bytes),
        clock,
        rng,
    )
    follower = Follower(dispatch, backends, Watch(path, settings), Discovery(resolve), rng)
    servicer = Servicer(Exchange(dispatch, backends, clock), backends, version("besteffort"))
    watching = Watching(dispatch)
    handlers = (servicer, Health(dispatch, watching), Scaler(dispatch, watching, clock))
    return Router(dispatch, backends, follower, handlers, build_pages(dispatch, clock))


def build_pages(dispatch: Dispatch, clock: Callable[[], float]) -> dict[str, Page]:
    """Return what the HTTP port answers, by path."""
    metrics, status = Metrics(dispatch, clock), Status(dispatch, clock)
    return {
        "/metrics": Page(metrics.page),
        "/status": Page(status.page, content_type="application/json"),
        "/healthz": Page(lambda: b"alive\n"),
        "/readyz": Page(lambda: b"ready\n" if dispatch.ready() else b"not ready\n", dispatch.ready),
    }


async def serve(arguments: argparse.Namespace, settings: Settings) -> None:
    """Run a router until SIGTERM or SIGINT, then drain it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    router = build_router(arguments.config, settings)
    listen, metrics = arguments.listen, arguments.metrics
    certificate = Certificate(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    ports = await router.start(listen, metrics, certificate)
    print(f"listening grpc={listen.host}:{ports.grpc} metrics={metrics.host}:{ports.metrics}", flush=True)  # noqa: T201 - the contract with whoever started us
    await stop.wait()
    await router.stop(arguments.drain_s)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    arguments = _parse(words)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    # What is here now stays: collections need not look at it again.
    gc.freeze()
    factory = uvloop.new_event_loop if "uvloop" in globals() else None
    try:
        settings = load_settings(arguments.config)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(arguments, settings))
    except RouterError as error:
        print(f"besteffort_router: {error}", file=sys.stderr)  # noqa: T201 - one sentence for a person
        return 1
    return 0


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m besteffort_router",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="RouterConfig as JSON; watched")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default=Address("127.0.0.1", 8001),
        help="where clients call (default %(default)s; port 0: a free one, printed)",
    )
    parser.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        type=_address,
        default=Address("127.0.0.1", 9090),
        help="where probes and Prometheus ask (default %(default)s)",
    )
    parser.add_argument(
        "--drain-s",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="how long requests under way may take after SIGTERM (default %(default)s)",
    )
    parser.add_argument("--tls-cert", metavar="FILE", type=Path, help="chain in PEM: clients must speak TLS; watched")
    parser.add_argument("--tls-key", metavar="FILE", type=Path, help="its key in PEM")
    arguments = parser.parse_args(words)
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    return arguments


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return Address(host, int(port))


if __name__ == "__main__":
    status = main()
    # The interpreter's own end would resume calls that grpc.aio left suspended, and those spin for ever.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)
