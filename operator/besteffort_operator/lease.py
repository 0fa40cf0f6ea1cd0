"""One leader among the operator's replicas, by a Lease; no write after the local deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from besteffort_operator.errors import ApiError, ConflictError, NotFoundError, NotLeadingError
from besteffort_operator.kinds import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest

__all__ = ["Election", "Name", "Sight", "may_take", "record"]

DURATION_S = 10.0
RENEW_S = 2.0
# The leader stops this long after its last renewal, well before another may take the lease.
WRITES_END_S = 7.0
CALL_S = 3.0
REPEAT_S = 60.0
"""So seldom a warning of the same text is logged again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Name:
    """Where the lease is, and who this replica is."""

    namespace: str
    name: str
    identity: str


@dataclass(frozen=True, slots=True)
class Sight:
    """A lease as it was first seen at a time of the local clock: nobody's wall clock is trusted."""

    spec: Mapping[str, Any]
    since_s: float


def may_take(sight: Sight, identity: str, now_s: float) -> bool:
    """Say whether the lease is ours, free, or unchanged for so long that its holder has stopped."""
    holder = sight.spec.get("holderIdentity") or ""
    held_s = float(sight.spec.get("leaseDurationSeconds") or DURATION_S)
    return holder in ("", identity) or now_s >= sight.since_s + held_s


def record(before: Mapping[str, Any], identity: str, now: datetime) -> dict[str, Any]:
    """Return the spec of a lease that `identity` takes or renews."""
    renewed = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renews = before.get("holderIdentity") == identity
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": int(DURATION_S),
        "acquireTime": before["acquireTime"] if renews else renewed,
        "renewTime": renewed,
        "leaseTransitions": int(before.get("leaseTransitions") or 0) + (0 if renews or not before else 1),
    }


class Election:
    """Seeks the lease and keeps it."""

    def __init__(self, cluster: Cluster, name: Name, clock: Callable[[], float] = time.monotonic) -> None:
        self.leading = asyncio.Event()
        self._cluster = cluster.fenced(lambda: CALL_S)
        self._name = name
        self._clock = clock
        self._sight = Sight({}, clock())
        self._renewed_s = float("-inf")
        self._stood_by = ""
        """The holder that was logged last."""
        self._warned = ("", float("-inf"))
        """The last warning, and when it was logged."""

    def write_s(self) -> float:
        """Return how many seconds a write that begins now may take.

        Raises:
            NotLeadingError: the lease was not renewed for so long that another may soon take it.
        """
        age_s = self._clock() - self._renewed_s
        if age_s >= WRITES_END_S:
            raise NotLeadingError(f"the lease {self._name.name} was not renewed in time; another replica may lead")
        return DURATION_S - age_s

    async def run(self) -> None:
        """Seek the lease, then keep it.

        Raises:
            NotLeadingError: the lease was lost.
        """
        while True:
            try:
                async with asyncio.timeout(CALL_S):
                    await self._seek()
                self._warned = ("", float("-inf"))
            except (ApiError, TimeoutError) as error:
                self._warn(str(error) or "no answer")
            if self.leading.is_set():
                self.write_s()
            await asyncio.sleep(RENEW_S)

    async def release(self) -> None:
        """Give the lease back, so that another replica leads at once."""
        if self.leading.is_set():
            self._renewed_s = float("-inf")
            lease = await self._read()
            if lease["spec"].get("holderIdentity") == self._name.identity:
                await self._cluster.replace(LEASE, lease | {"spec": lease["spec"] | {"holderIdentity": ""}})

    async def _seek(self) -> None:
        lease = await self._read()
        now_s = self._clock()
        # One that is gone counts as it was last seen: who deletes it does not make two leaders.
        if lease["spec"] and lease["spec"] != self._sight.spec:
            self._sight = Sight(lease["spec"], now_s)
        if not may_take(self._sight, self._name.identity, now_s):
            if self.leading.is_set():
                self._renewed_s = float("-inf")
                raise NotLeadingError(f"the lease {self._name.name} is {self._sight.spec['holderIdentity']}'s")
            self._stand_by(str(self._sight.spec["holderIdentity"]))
            return
        await self._take(lease, now_s)

    def _stand_by(self, holder: str) -> None:
        if holder != self._stood_by:
            log.info("stands by: %s holds the lease %s", holder, self._name.name)
            self._stood_by = holder

    def _warn(self, text: str) -> None:
        said, at_s = self._warned
        if text != said or self._clock() >= at_s + REPEAT_S:
            log.warning("lease %s: %s", self._name.name, text)
            self._warned = text, self._clock()

    async def _take(self, lease: Manifest, now_s: float) -> None:
        new = lease | {"spec": record(lease["spec"], self._name.identity, datetime.now(UTC))}
        try:
            write = self._cluster.replace if "resourceVersion" in lease["metadata"] else self._cluster.create
            await write(LEASE, new)
        except ConflictError:
            return
        # The time before the write: the others count from no earlier.
        self._renewed_s = now_s
        if not self.leading.is_set():
            log.info("%s leads", self._name.identity)
            self.leading.set()

    async def _read(self) -> Manifest:
        try:
            return await self._cluster.get(LEASE, self._name.namespace, self._name.name)
        except NotFoundError:
            metadata = {"namespace": self._name.namespace, "name": self._name.name}
            return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": {}}
