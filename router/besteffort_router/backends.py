"""All Triton servers, each asked all the time whether it is ready. Decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from besteffort_router.dispatch import DECOUPLED, Outcome
from besteffort_router.errors import Code
from besteffort_router.scrape import ScrapeError, ended_by_model, pending_by_model, read_page
from besteffort_router.upstream import Answer
from besteffort_router.wire import flag_reply, name_field

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from random import Random

    from besteffort_router.config import Replica, Settings
    from besteffort_router.load import Load
    from besteffort_router.upstream import Heard, Metadata, Upstream

__all__ = ["Backends"]

PROBE_S = 0.75
"""Mean pause between two readiness probes of a replica that answers them."""
PROBE_LOST_S = 0.2
PROBE_TIMEOUT_S = 2.0
SCRAPE_S = 1.0
FIRST_PROBE_S = 1.0
"""How long a new configuration waits for its new replicas before it is put in force."""
_READY = flag_reply(value=True)

_LOG = logging.getLogger(__name__)


class _Link:
    """One replica with its upstream and the tasks that watch it."""

    def __init__(self, upstream: Upstream, models: Sequence[str]) -> None:
        self.upstream = upstream
        self.models = models
        self.poke = asyncio.Event()
        self.probed = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []


class Backends:
    """All replicas of the settings in force."""

    def __init__(
        self, load: Load, connect: Callable[[Replica], Upstream], clock: Callable[[], float], rng: Random
    ) -> None:
        """`connect` makes the upstream of a replica, `clock` gives seconds, `rng` spreads the probes in time."""
        self._load = load
        self._connect = connect
        self._clock = clock
        self._rng = rng
        self._links: dict[Replica, _Link] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, settings: Settings) -> None:
        """Connect to the new replicas of `settings` and ask each, for a second at most, whether it is ready."""
        self._load.prepare(settings)
        new = []
        for replica, models in _models_by_replica(settings).items():
            link = self._links.get(replica)
            if link is None:
                link = self._links[replica] = _Link(self._connect(replica), models)
                link.tasks = self._watch(replica, link)
                new.append(asyncio.create_task(link.probed.wait()))
            link.models = models
        if new:
            _, waiting = await asyncio.wait(new, timeout=FIRST_PROBE_S)
            for task in waiting:
                task.cancel()

    def retire(self, settings: Settings, grace_s: float) -> None:
        """Let go of the replicas that `settings` no longer has; their requests may end first."""
        kept = _models_by_replica(settings)
        for replica in [replica for replica in self._links if replica not in kept]:
            link = self._links.pop(replica)
            task = asyncio.create_task(_close(link, grace_s))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def call(
        self,
        replica: Replica,
        method: str,
        body: bytes,
        timeout_s: float,
        metadata: Metadata,
        heard: Heard | None = None,
    ) -> Answer:
        """Return a replica's answer, the last of several, each of which `heard` gets; an unavailable one is probed."""
        link = self._links.get(replica)
        if link is None:
            return Answer(Outcome(Code.UNAVAILABLE, f"{replica.name} is no longer in the configuration", lost=True))
        if method == DECOUPLED:
            answer = await link.upstream.stream(body, timeout_s, metadata, heard)
        else:
            answer = await link.upstream.call(method, body, timeout_s, metadata)
        if answer.outcome.code is Code.UNAVAILABLE:
            link.poke.set()
        return answer

    async def close(self) -> None:
        """Close all, at once."""
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(_close(link, 0.0) for link in links), *self._closing)

    def _watch(self, replica: Replica, link: _Link) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(_for_ever(partial(self._probe, replica, link)))]
        if replica.metrics_url:
            tasks.append(asyncio.create_task(_for_ever(partial(self._scrape, replica))))
        return tasks

    async def _probe(self, replica: Replica, link: _Link) -> None:
        """Ask for each model whether it is ready, then wait for the next time or for a poke."""
        link.poke.clear()
        ready = False
        for model in link.models:
            answer = await link.upstream.call("ModelReady", name_field(model), PROBE_TIMEOUT_S)
            ready = answer.outcome.code is Code.OK and answer.body.startswith(_READY)
            self._load.set_ready(self._clock(), replica, model, ready=ready)
        link.probed.set()
        pause_s = (PROBE_S if ready else PROBE_LOST_S) * self._rng.uniform(0.7, 1.3)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await link.poke.wait()

    async def _scrape(self, replica: Replica) -> None:
        """Read once what waits at a replica, then wait for the next time."""
        own, ended = self._load.own_by_model(replica), self._load.own_ended_by_model(replica)
        try:
            page = await read_page(replica.metrics_url, SCRAPE_S)
            self._load.scraped(self._clock(), replica, pending_by_model(page), own)
            self._load.counted(self._clock(), replica, ended_by_model(page), ended)
        except ScrapeError:
            self._load.forget_stale(self._clock())
        await asyncio.sleep(SCRAPE_S * self._rng.uniform(0.8, 1.2))


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step until cancelled: a surprise must not leave a replica unwatched."""
    while True:
        try:
            await step()
        except Exception:  # noqa: BLE001 - the outermost loop
            _LOG.exception("watching a backend failed; it goes on in %g s", PROBE_S)
            await asyncio.sleep(PROBE_S)


def _models_by_replica(settings: Settings) -> dict[Replica, list[str]]:
    found: dict[Replica, list[str]] = {}
    for backend in settings.backends:
        found.setdefault(backend.replica, []).append(backend.model)
    return found


async def _close(link: _Link, grace_s: float) -> None:
    for task in link.tasks:
        task.cancel()
    await asyncio.gather(*link.tasks, return_exceptions=True)
    await link.upstream.close(grace_s)
