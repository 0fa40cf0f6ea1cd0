"""How soon does another replica act when the leader dies, and do two ever write at once? Two operators, two users.

Services change all the time, so that whoever leads has something to write. Leaders are killed, and one is only held up
for longer than its lease lasts: when it goes on it must not write. The audit log says who wrote when. The last line is
one JSON object. Goal: the other acts within 15 s; no write of one lies between writes of the other.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from besteffort_operator.cluster import Cluster, connected
from besteffort_operator.kinds import SERVICE
from cluster.control_plane import ApiServer
from support.operator_process import Operator, install, resource, wait_for

if TYPE_CHECKING:
    from cluster.audit import Call

NAMESPACE = "team"
ACCOUNTS = ("operator-a", "operator-b")
SERVICES = 5
KILLS = 3
CHANGE_S = 0.5
LIMIT_S = 15.0
PATIENCE_S = 60.0


def main() -> None:
    with ApiServer() as plane:
        seconds = asyncio.run(measure(plane))
        reigns = [who for who, _ in groupby(call.user for call in writes(plane))]
    changes = len(seconds)
    report = {
        "bar": "failover",
        "value": {"slowest_s": max(seconds), "reigns": len(reigns)},
        "goal": {"slowest_s": LIMIT_S, "reigns": changes + 1},
        "holds": max(seconds) <= LIMIT_S and len(reigns) == changes + 1,
        "seconds": seconds,
        "kills": KILLS,
        "held_up": changes - KILLS,
    }
    print(json.dumps(report))


async def measure(plane: ApiServer) -> list[float]:
    """Return the seconds from each end of a leader to the first write of the next."""
    kubeconfigs = dict(zip(ACCOUNTS, install(plane, *ACCOUNTS), strict=True))
    plane.kubectl("create", "namespace", NAMESPACE)

    def start(name: str) -> Operator:
        return Operator(kubeconfigs[name], plane.folder / f"{name}.log", name=name)

    async with connected(plane.kubeconfig, "benchmark") as cluster, asyncio.TaskGroup() as group:
        changing = group.create_task(change_for_ever(cluster))
        leader = start(ACCOUNTS[0])
        await acts(plane, leader)
        standby = start(ACCOUNTS[1])
        await asyncio.to_thread(standby.wait_until_logged, "metrics at")
        seconds = []
        for number in range(KILLS + 1):
            await asyncio.sleep(3)
            ended_at = datetime.now(UTC)
            if held_up := number == KILLS:
                leader.hold_up()
            else:
                leader.kill()
            seconds.append(await acts(plane, standby, since=ended_at))
            print(f"{leader.name} {'held up' if held_up else 'killed'}: next write after {seconds[-1]} s", flush=True)
            if held_up:
                leader.go_on()
                await asyncio.to_thread(wait_for, lambda old=leader: old.exit_status, "it to end", PATIENCE_S)
                await asyncio.sleep(3)
            leader, standby = standby, start(leader.name)
        changing.cancel()
        for operator in (standby, leader):  # in this order, or the standby would lead for a moment
            operator.stop()
    return seconds


async def change_for_ever(cluster: Cluster) -> None:
    """Change one service after the other, each time in a way that changes its children."""
    for number in count():
        tasks = [f"task-{number}"]
        manifest = resource(f"service-{number % SERVICES}", NAMESPACE, tasks=tasks)
        await cluster.apply(SERVICE, manifest, manager="benchmark")
        await asyncio.sleep(CHANGE_S)


async def acts(plane: ApiServer, operator: Operator, since: datetime | None = None) -> float:
    """Wait for an operator's first write; return the seconds from `since` to it."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        found = [call for call in writes(plane) if call.user.endswith(f":{operator.name}")]
        found = [call for call in found if since is None or call.at > since]
        if found:
            return round((found[0].at - since).total_seconds(), 2) if since else 0.0
        assert time.monotonic() < give_up_at, f"{operator.name} does not act"
        await asyncio.sleep(0.2)


def writes(plane: ApiServer) -> list[Call]:
    """Return what operators wrote, but for leases, in the order in which the API server ended it."""
    found = [call for call in plane.calls() if call.writes and call.resource != "leases"]
    return sorted((call for call in found if call.user.endswith(ACCOUNTS)), key=lambda call: call.at)


if __name__ == "__main__":
    main()
