"""Follow what changes under a running router: its files, and the servers behind DNS names. Each change is whole."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from besteffort_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from random import Random

    from besteffort_router.backends import Backends
    from besteffort_router.config import Settings
    from besteffort_router.discovery import Discovery
    from besteffort_router.dispatch import Dispatch
    from besteffort_router.reload import Watch

__all__ = ["Follower"]

RELOAD_S = 0.25
LOOK_S = 1.0
"""Pause between two lookups of the servers' names while they change, or while a name or a server is missing."""
CALM_S = 4.0
"""Pause otherwise. A server that goes waits 35 s for routers to notice; caches keep its address for 30 s."""
MOVED_S = 30.0
"""So long after a change more may come."""
SPREAD = 0.75
"""Pauses are shortened to no less than this part, at random: many routers ask the same name service."""

_LOG = logging.getLogger(__name__)


class Follower:
    """Puts settings in force, one at a time."""

    def __init__(self, dispatch: Dispatch, backends: Backends, watch: Watch, discovery: Discovery, rng: Random) -> None:
        """`rng` spreads the lookups in time."""
        self._dispatch = dispatch
        self._backends = backends
        self._watch = watch
        self._discovery = discovery
        self._rng = rng
        self._look_at_s = 0.0
        self._moved_s = 0.0
        self._began_with = dispatch.settings
        self._working: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect to the servers and go on until stopped."""
        self._report(self._dispatch.settings)
        self._working = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Follow no more; the settings and servers stay as they are."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        self._discovery.close()

    async def _work(self) -> None:
        await self._guarded(self._take(self._dispatch.settings))
        while True:
            await asyncio.sleep(RELOAD_S)
            await self._guarded(self._look_around())

    async def _guarded(self, step: Awaitable[None]) -> None:
        try:
            await step
        except ConfigError as error:
            self._dispatch.ledger.config_errors += 1
            _LOG.error("%s; the configuration in force stays", error)
        except Exception:  # noqa: BLE001 - the outermost loop
            _LOG.exception("looking for a new configuration failed; the one in force stays")

    async def _look_around(self) -> None:
        """Follow a change of the files, and now and then one of the addresses behind names."""
        now_s = asyncio.get_running_loop().time()
        # In threads: the bundle may lie on a network volume, and those may hang.
        if await asyncio.to_thread(self._watch.suspects):
            settings = await asyncio.to_thread(self._watch.read)
            if settings is not None:
                await self._take(settings)
                self._report(settings)
        elif now_s >= self._look_at_s:
            if await self._discovery.look(self._dispatch.settings):
                self._moved_s = now_s
                await self._enforce(self._dispatch.settings)
            self._look_at_s = now_s + self._pause_s(now_s) * self._rng.uniform(SPREAD, 1.0)

    def _pause_s(self, now_s: float) -> float:
        """Return how long to wait with the next lookup: long where all is there and has been for a while."""
        missing = not all(lane.ready for lane in self._dispatch.load.lanes)
        unsure = self._discovery.is_unsure(self._dispatch.settings)
        return LOOK_S if missing or unsure or now_s < self._moved_s + MOVED_S else CALM_S

    async def _take(self, settings: Settings) -> None:
        self._moved_s = asyncio.get_running_loop().time()
        await self._discovery.look(settings)
        await self._enforce(settings)

    async def _enforce(self, settings: Settings) -> None:
        """Put settings in force with the servers that are behind their names now; requests under way go on."""
        old, new = self._dispatch.settings, self._discovery.resolved(settings)
        await self._backends.open(new)
        self._dispatch.adopt(new)
        self._backends.retire(new, grace_s=old.max_s * old.pool.grace_factor)

    def _report(self, settings: Settings) -> None:
        _LOG.info("configuration %s is in force", settings.digest)
        for limit in ("max_requests", "max_bytes"):
            most = getattr(self._began_with, limit)
            if getattr(settings, limit) > most:
                _LOG.warning("limits.%s: above %d it takes effect at a restart only", limit, most)
        if settings.bundle_error:
            self._dispatch.ledger.config_errors += 1
            _LOG.error("%s; until then %s rules", settings.bundle_error, settings.policy.rule.kind)
