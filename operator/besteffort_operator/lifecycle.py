"""What the operator does from start to end beside reconciling: wait for the API, watch, look again, lead, stop."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from besteffort_operator.errors import ApiError
from besteffort_operator.handlers import Watch
from besteffort_operator.kinds import KINDS, SERVICE
from besteffort_operator.work import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_operator.children import Children
    from besteffort_operator.cluster import Cluster
    from besteffort_operator.kinds import Kind
    from besteffort_operator.references import References
    from besteffort_operator.work import Work

__all__ = ["Triggers", "wait_until_served"]

ASK_S = 2.0
ADD_ONS_S = 15.0
WATCH_AGAIN_S = 5.0

log = logging.getLogger(__name__)


async def wait_until_served(cluster: Cluster) -> None:
    """Return once the API server answers and knows the resource; say what is waited for, once."""
    said = ""
    while True:
        try:
            if await cluster.serves(SERVICE):
                return
            why = f"waiting for the definition of {SERVICE.plural}.{SERVICE.group}: apply manifests/crd.yaml"
        except ApiError as error:
            why = f"waiting for the API server: {error}"
        if why != said:
            log.warning(why)
            said = why
        await asyncio.sleep(ASK_S)


class Triggers:
    """Everything that makes a service due."""

    def __init__(
        self, cluster: Cluster, work: Work, references: References, children: Children, namespaces: Sequence[str]
    ) -> None:
        self.is_watching = False
        self._cluster = cluster
        self._work = work
        self._references = references
        self._children = children
        self._namespaces = namespaces
        self._refused: set[Kind] = set()

    async def watch(self) -> None:
        """Watch what there is until cancelled; begin anew when an add-on came or went, or watching failed."""
        while True:
            await wait_until_served(self._cluster)
            try:
                kinds = await self._present_kinds()
            except ApiError as error:
                log.warning("cannot tell which kinds there are: %s", error)
                await asyncio.sleep(ASK_S)
                continue
            self._children.optional_kinds = frozenset(kind for kind in kinds if kind.optional)
            watch = Watch(
                (SERVICE, *kinds),
                self._namespaces,
                credentials=self._cluster.credentials,
                on_key=self._work.add,
                on_config_map=self._config_map_changed,
            )
            task = asyncio.create_task(watch.run())
            try:
                self.is_watching = True
                await self._until_changed(kinds, task)
            finally:
                self.is_watching = False
                task.cancel()
                await asyncio.wait([task])

    async def resync(self, period_s: float) -> None:
        """Make every service due once in each period, spread over it."""
        while True:
            await asyncio.sleep(period_s)
            await self._all_due(within_s=period_s)

    async def _all_due(self, within_s: float) -> None:
        try:
            found = [
                s for namespace in self._namespaces or (None,) for s in await self._cluster.list(SERVICE, namespace)
            ]
        except ApiError as error:
            log.warning("cannot list the services: %s", error)
            return
        for place, service in enumerate(found):
            key = Key(service["metadata"]["namespace"], service["metadata"]["name"])
            self._work.add(key, after_s=within_s * place / len(found))

    async def _until_changed(self, kinds: Sequence[Kind], watching: asyncio.Task[None]) -> None:
        """Return when other kinds are present than before, or when watching has ended."""
        while not (await asyncio.wait([watching], timeout=ADD_ONS_S))[0]:
            try:
                if await self._present_kinds() != kinds:
                    await self._all_due(within_s=ADD_ONS_S)
                    return
            except ApiError as error:
                log.warning("cannot tell which kinds there are: %s", error)
        await asyncio.sleep(WATCH_AGAIN_S)

    async def _present_kinds(self) -> list[Kind]:
        """Return the kinds of children that the API server has and that the operator may list."""
        found = []
        for kind in KINDS:
            if kind.optional and not await self._cluster.serves(kind):
                continue
            if all([await self._cluster.may_list(kind, namespace) for namespace in self._namespaces or (None,)]):
                found.append(kind)
                self._refused.discard(kind)
            elif kind not in self._refused:
                log.warning("may not list %s: goes on without them; the chart grants the right", kind.plural)
                self._refused.add(kind)
        return found

    def _config_map_changed(self, namespace: str, name: str) -> None:
        for key in self._references.naming(namespace, name):
            self._work.add(key)
