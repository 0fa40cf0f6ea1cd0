"""The pods of a service: those that it owns, and clients' pods that run its router as a sidecar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from besteffort_operator.injection import is_injected
from besteffort_operator.kinds import POD
from besteffort_operator.manifests.metadata import INJECT_LABEL, ROLE_LABEL, Component
from besteffort_operator.router_report import RouterAddress
from besteffort_operator.workload import COMPONENT, INSTANCE
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.work import Key
    from besteffort_resource.service import BestEffortService

__all__ = ["Directory", "read_pods"]

STATUS_PORT = 9090
ENDED = ("Succeeded", "Failed")


async def read_pods(cluster: Cluster, key: Key, service: BestEffortService) -> list[Manifest]:
    """Return the live pods of a service, and the pods into which its router is injected."""
    pods = await cluster.list(POD, key.namespace, labels=f"app.kubernetes.io/name=besteffort,{INSTANCE}={key.name}")
    if service.spec.router.mode is RouterMode.SIDECAR:
        pods += await cluster.list(POD, key.namespace, labels=f"{INJECT_LABEL}={key.name}")
    return pods


class Directory:
    """Where the routers of each service show their status, and whose news are wanted often."""

    def __init__(self) -> None:
        self._addresses: dict[Key, tuple[RouterAddress, ...]] = {}
        self._eager: set[Key] = set()

    def note(self, key: Key, pods: Iterable[Manifest]) -> None:
        """Keep where the routers of a service are now."""
        self._addresses[key] = tuple(_router_addresses(key, pods))

    def hurry(self, key: Key, *, eager: bool) -> None:
        """Ask the routers of a service often, or seldom."""
        (self._eager.add if eager else self._eager.discard)(key)

    def forget(self, key: Key) -> None:
        """Drop what is known of a service that is gone."""
        self._addresses.pop(key, None)
        self._eager.discard(key)

    def addresses(self) -> Iterator[RouterAddress]:
        """Yield the addresses of all routers."""
        for key, addresses in self._addresses.items():
            yield from (replace(found, eager=True) for found in addresses) if key in self._eager else addresses


def _router_addresses(key: Key, pods: Iterable[Manifest]) -> Iterator[RouterAddress]:
    """Yield the addresses of the routers among pods, without those that have none yet, or that end or have ended."""
    for pod in pods:
        metadata, labels, status = pod["metadata"], pod["metadata"].get("labels", {}), pod.get("status", {})
        host = status.get("podIP")
        is_router = labels.get(ROLE_LABEL) == "router" or (INJECT_LABEL in labels and is_injected(pod))
        ends = "deletionTimestamp" in metadata or status.get("phase") in ENDED
        if host and is_router and not ends:
            address = f"[{host}]:{STATUS_PORT}" if ":" in host else f"{host}:{STATUS_PORT}"
            canary = labels.get(COMPONENT) == Component.ROUTER_CANARY
            yield RouterAddress(key.namespace, key.name, metadata["name"], address, canary=canary)
