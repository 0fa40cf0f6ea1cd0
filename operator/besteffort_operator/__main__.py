"""Run the operator: the only place that puts the parts together."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from besteffort_operator.children import Children
from besteffort_operator.cluster import connected
from besteffort_operator.comparison import Memory
from besteffort_operator.errors import ApiError, OperatorError
from besteffort_operator.events import Events
from besteffort_operator.lease import Election, Name
from besteffort_operator.lifecycle import Triggers
from besteffort_operator.logs import set_up_logs
from besteffort_operator.metrics import Metrics, serving
from besteffort_operator.pods import Directory
from besteffort_operator.reconcile import Reconciler, Surroundings
from besteffort_operator.routers import Routers
from besteffort_operator.settings import read_settings
from besteffort_operator.trust import Trust
from besteffort_operator.webhook import Webhook
from besteffort_operator.work import Key, Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.settings import Settings

__all__ = ["main"]

LAST_RECONCILES_S = 8.0
# The API server takes objects of 10 000 levels: by Python's own bound one of 1000 would break every list it is in.
LEVELS = 25_000

log = logging.getLogger(__name__)


def main() -> int:
    """Run until SIGTERM or Ctrl-C; return the exit status."""
    settings = read_settings()
    set_up_logs(settings.log_format)
    sys.setrecursionlimit(LEVELS)
    try:
        asyncio.run(_operate(settings))
    except (OperatorError, OSError, BaseExceptionGroup) as error:
        if (known := _known(error)) is None:
            raise
        log.critical("stops: %s", known)
        return 1
    return 0


async def _operate(settings: Settings) -> None:
    """Connect, and act until told to stop.

    Raises:
        OperatorError: there is nothing to connect to, an address is taken, or the lease was lost.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with connected(settings.kubeconfig, f"besteffort-operator/{settings.version}") as cluster:
        name = Name(settings.lease_namespace, settings.lease_name, settings.identity)
        election = Election(cluster, name) if settings.leader_election else None
        await _run(settings, cluster, election, stopping)
        if election:
            with suppress(ApiError):
                await election.release()
    log.info("stopped")


async def _run(settings: Settings, cluster: Cluster, election: Election | None, stopping: asyncio.Event) -> None:
    work, directory = Work(), Directory()
    metrics = Metrics(queued=work.__len__)
    routers = Routers(directory.addresses, lambda namespace, service: work.add(Key(namespace, service)))
    writing = cluster.fenced(election.write_s) if election else cluster
    children = Children(writing, Memory())
    events = Events(writing, settings.identity)
    surroundings = Surroundings(settings.router_image, settings.version)
    reconciler = Reconciler(writing, children, events, surroundings, directory, routers.heard)
    triggers = Triggers(cluster, work, reconciler.references, children, settings.namespaces)
    webhook = _webhook(settings, cluster, surroundings)
    async with (
        serving(metrics, settings.metrics, partial(_is_ready, triggers, webhook)) as address,
        asyncio.TaskGroup() as group,
    ):
        log.info("%s %s: metrics at %s", settings.identity, settings.version, address)
        routines = [triggers.watch(), triggers.resync(settings.resync_s), triggers.profiles(), routers.run()]
        # Every replica answers, whoever leads.
        routines += [webhook.run()] if webhook else []
        routines += [election.run()] if election else []
        background = [group.create_task(routine) for routine in routines]
        if await _leads(election, stopping):
            metrics.leader.set(1)
            await _work(work, partial(metrics.measured, reconciler.reconcile), stopping)
        for task in background:
            task.cancel()


def _webhook(settings: Settings, cluster: Cluster, surroundings: Surroundings) -> Webhook | None:
    if not settings.webhook:
        return None
    trust = Trust(cluster, settings.lease_namespace, settings.webhook)
    return Webhook(cluster, trust, surroundings, settings.webhook.address)


def _is_ready(triggers: Triggers, webhook: Webhook | None) -> bool:
    return triggers.has_watched and (webhook is None or webhook.is_listening)


async def _leads(election: Election | None, stopping: asyncio.Event) -> bool:
    """Wait until this replica leads, or is told to stop; return whether it leads."""
    if election is None:
        return True
    waits = [asyncio.create_task(event.wait()) for event in (election.leading, stopping)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not stopping.is_set()


async def _work(work: Work, act: Callable[[Key], Awaitable[float | None]], stopping: asyncio.Event) -> None:
    """Work until told to stop; what is begun is brought to its end, so that the next leader finds no half."""
    working = asyncio.create_task(work.run(act))
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([working, asked], return_when=asyncio.FIRST_COMPLETED)
        work.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_RECONCILES_S):
                await working
    finally:
        # Whoever lost the lease is cancelled here, and so is what it was at.
        asked.cancel()
        working.cancel()


def _known(error: BaseException) -> OperatorError | OSError | None:
    """Return the error that has a sentence for the user, also from within groups."""
    if isinstance(error, OperatorError | OSError):
        return error
    within = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((known for known in map(_known, within) if known), None)


if __name__ == "__main__":
    sys.exit(main())
