"""What the operator does from start to end beside reconciling: wait for the API, watch, look again, lead, stop."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from besteffort_operator.errors import ApiError, NotFoundError
from besteffort_operator.handlers import Watch
from besteffort_operator.kinds import CONFIG_MAP, KINDS, NAMESPACE, SERVICE
from besteffort_operator.work import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from besteffort_operator.children import Children
    from besteffort_operator.cluster import Cluster
    from besteffort_operator.kinds import Kind
    from besteffort_operator.references import References
    from besteffort_operator.work import Work

__all__ = ["Triggers", "wait_until_served"]

ASK_S = 2.0
ADD_ONS_S = 15.0
RIGHTS_S = 600.0
PROFILES_S = 15.0
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
        self,
        cluster: Cluster,
        work: Work,
        references: References,
        children: Children,
        namespaces: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.has_watched = False
        """Stays so while watching begins anew: that is no reason to take the webhook's requests away."""
        self._cluster = cluster
        self._work = work
        self._references = references
        self._children = children
        self._namespaces = namespaces
        self._clock = clock
        self._listed: set[Kind] = set()
        self._refused: set[Kind] = set()
        self._ask_rights_s = float("-inf")

    async def watch(self) -> None:
        """Watch what there is until cancelled; begin anew when an add-on came or went, or watching failed."""
        where = f"namespaces {', '.join(self._namespaces)}" if self._namespaces else "all namespaces"
        log.info("watches %s", where)
        await wait_until_served(self._cluster)
        await self._warn_of_missing_namespaces()
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
            )
            task = asyncio.create_task(watch.run())
            try:
                self.has_watched = True
                await self._until_changed(kinds, task)
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _warn_of_missing_namespaces(self) -> None:
        for name in self._namespaces:
            try:
                await self._cluster.get(NAMESPACE, "", name)
            except NotFoundError:
                log.warning("there is no namespace %s: nothing happens there until it is made", name)
            except ApiError as error:  # most often no right to look, which is needed for nothing else
                log.debug("cannot tell whether there is a namespace %s: %s", name, error)

    async def resync(self, period_s: float) -> None:
        """Make every service due once in each period, spread over it."""
        while True:
            await asyncio.sleep(period_s)
            await self._all_due(within_s=period_s)

    async def profiles(self) -> None:
        """Make the services due whose measurements have changed; users' ConfigMaps are too many to be watched."""
        versions: dict[tuple[str, str], str] = {}
        while True:
            await asyncio.sleep(PROFILES_S)
            versions = await self._changed_profiles(versions)

    async def _changed_profiles(self, before: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
        """Add the services whose profile is of another version than before; return the versions."""
        versions = {}
        for place, keys in self._references.profiles().items():
            try:
                found = await self._cluster.get_cached(CONFIG_MAP, *place)
            except ApiError as error:
                log.warning("cannot read the profile %s/%s: %s", *place, error)
                continue
            versions[place] = found["metadata"]["resourceVersion"] if found else ""
            if versions[place] != before.get(place):
                for key in keys:
                    self._work.add(key)
        return versions

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
        """Return the kinds of children that the API server has and that the operator may list.

        A right that was there is asked for again only after a while: that costs a list of each kind and namespace.
        """
        if self._clock() >= self._ask_rights_s:
            self._listed.clear()
            self._ask_rights_s = self._clock() + RIGHTS_S
        for kind in KINDS:
            if kind.optional and not await self._cluster.serves(kind):
                self._listed.discard(kind)
            elif kind not in self._listed and await self._may_list(kind):
                self._listed.add(kind)
        return [kind for kind in KINDS if kind in self._listed]

    async def _may_list(self, kind: Kind) -> bool:
        if all([await self._cluster.may_list(kind, namespace) for namespace in self._namespaces or (None,)]):
            self._refused.discard(kind)
            return True
        if kind not in self._refused:
            log.warning("may not list %s: goes on without them; the chart grants the right", kind.plural)
            self._refused.add(kind)
        return False
