"""What wakes the operator: watches of services and of their children.

kopf watches, reconnects and lists again; it writes nothing here: no finalizers, no annotations, no Events. It runs in
a thread with a loop of its own, because at its end it cancels every task of its loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import kopf

from besteffort_operator.kinds import MANAGED_BY, SERVICE
from besteffort_operator.work import Key
from besteffort_operator.workload import INSTANCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

    from besteffort_operator.cluster import Credentials
    from besteffort_operator.kinds import Kind

__all__ = ["Watch", "key_of"]


CHUNK = 200
REQUEST_S = 30.0
CONNECT_S = 5.0
# Watches are cut by the server after this long, and taken for lost somewhat later.
WATCH_S = 300
SILENCE_S = 70.0
IDENTITY = "besteffort-operator"

log = logging.getLogger(__name__)


class _ForEver:
    """Delays between attempts, without an end: an API server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        return chain((0.2, 0.5, 1.0, 2.0), repeat(3.0))


def key_of(body: Mapping[str, Any]) -> Key | None:
    """Return the service that a child belongs to, by its label; None for an object of someone else."""
    metadata = body["metadata"]
    labels = metadata.get("labels", {})
    label, _, value = MANAGED_BY.partition("=")
    if labels.get(label) != value or INSTANCE not in labels:
        return None
    return Key(metadata["namespace"], labels[INSTANCE])


class Watch:
    """Watches some kinds in some namespaces, or in all where none is named.

    `on_key` hears which service has changed, or a child of it, in the loop that made the Watch.
    """

    def __init__(
        self,
        kinds: Collection[Kind],
        namespaces: Collection[str],
        *,
        credentials: Callable[[], Awaitable[Credentials]],
        on_key: Callable[[Key], None],
    ) -> None:
        self._kinds = kinds
        self._namespaces = namespaces
        self._credentials = credentials
        self._on_key = on_key
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Watch until cancelled; return only where watching failed, which kopf has then logged."""
        ended = asyncio.Event()
        ready: asyncio.Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = self._loop.create_future()
        thread = threading.Thread(target=self._thread, args=(ready, ended), name="watch", daemon=True)
        thread.start()
        loop, stop = await ready
        try:
            await ended.wait()
        finally:
            if not ended.is_set():
                loop.call_soon_threadsafe(stop.set)
                await asyncio.shield(asyncio.to_thread(thread.join))

    def _thread(self, ready: asyncio.Future[Any], ended: asyncio.Event) -> None:
        async def watch() -> None:
            stop = asyncio.Event()
            self._loop.call_soon_threadsafe(ready.set_result, (asyncio.get_running_loop(), stop))
            await kopf.operator(
                registry=self._registry(),
                settings=self._settings(),
                standalone=True,
                # Else kopf asks the system for the user's name, and a container's user may have none.
                identity=IDENTITY,  # type: ignore[arg-type]  # kopf does not export its type
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=stop,
            )

        try:
            asyncio.run(watch())
        except Exception:  # the outermost of this thread: the caller watches anew
            log.exception("watching failed")
        finally:
            self._loop.call_soon_threadsafe(ended.set)

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.process.ultimate_exiting_timeout = None
        settings.networking.request_timeout = REQUEST_S
        settings.networking.connect_timeout = CONNECT_S
        settings.networking.error_backoffs = _ForEver()
        settings.watching.server_timeout = WATCH_S
        settings.watching.connect_timeout = CONNECT_S
        settings.watching.inactivity_timeout = SILENCE_S
        settings.watching.chunk_size = CHUNK
        for kind in self._kinds:
            if kind != SERVICE:
                settings.watching.label_selectors[kind.group, kind.version, kind.plural] = MANAGED_BY
        return settings

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        for kind in self._kinds:
            handler = self._service_changed if kind == SERVICE else self._child_changed
            kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.plural)(handler)
        return registry

    async def _login(self, **_: object) -> kopf.ConnectionInfo:
        async def fetch() -> Credentials:
            return await self._credentials()

        found = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(fetch(), self._loop))
        return kopf.ConnectionInfo(
            server=found.server,
            token=found.token,
            ca_path=found.ca_path,
            certificate_path=found.certificate_path,
            private_key_path=found.key_path,
            insecure=found.insecure,
            trust_env=bool(getproxies()),
        )

    async def _service_changed(self, body: Mapping[str, Any], **_: object) -> None:
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        self._loop.call_soon_threadsafe(self._on_key, key)

    async def _child_changed(self, body: Mapping[str, Any], **_: object) -> None:
        key = key_of(body)
        if key:
            self._loop.call_soon_threadsafe(self._on_key, key)
