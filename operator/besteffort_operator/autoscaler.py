"""The operator's own autoscaler: keeps what each Deployment's routers said, so that `scaling` can decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.scaling import decide, observe, reading
from besteffort_operator.workload import workloads_of
from besteffort_resource.capacity import ScalingEngine
from besteffort_resource.servers import servers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.router_report import Heard
    from besteffort_operator.scaling import Decision, History
    from besteffort_operator.work import Key
    from besteffort_operator.workload import Workload
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["Autoscaler", "scales"]


def scales(service: BestEffortService) -> bool:
    """Say whether the operator itself changes the number of any of a service's servers."""
    return any(_is_ours(server) for server in servers(service))


class Autoscaler:
    """Decides for each Deployment of each service that the operator scales."""

    def __init__(self) -> None:
        self._histories: dict[Key, dict[str, History]] = {}

    def decisions(
        self, key: Key, service: BestEffortService, live: Iterable[Manifest], heard: Sequence[Heard], now_s: float
    ) -> Mapping[str, Decision]:
        """Return how many servers each Deployment should have; one that is not there yet starts by the resource."""
        workloads = {workload.name: workload for workload in workloads_of(live)}
        ours = [server for server in servers(service) if _is_ours(server) and server.name in workloads]
        known = self._histories.get(key, {})
        self._histories[key] = {}
        decisions = {}
        for server in ours:
            workload = workloads[server.name]
            history = _observed(known.get(server.name), server, workload, heard, now_s)
            if history:
                self._histories[key][server.name] = history
            assert server.scaling
            rolling = not workload.rolled_out
            decisions[server.name] = decide(history, server.scaling, workload.wanted, now_s, rolling=rolling)
        return decisions

    def forget(self, key: Key) -> None:
        """Drop what is known of a service that is gone."""
        self._histories.pop(key, None)


def _is_ours(server: Server) -> bool:
    return bool(server.scaling and server.scaling.engine is ScalingEngine.OPERATOR)


def _observed(
    history: History | None, server: Server, workload: Workload, heard: Sequence[Heard], now_s: float
) -> History | None:
    assert server.scaling
    found = reading(heard, [size.name for size in server.sizes], workload.wanted, now_s)
    return observe(history, found, server.scaling) if found else history
