"""Does a service end as it should, whatever happens to the operator or to the API server on the way?

First a service is made, changed and deleted in peace: its children and its status after each step are what is expected.
Then the operator is killed 20 times, each at a random moment (seeded) of such a step, and started again as Kubernetes
would; the API server is away for 30 s, and etcd is restarted, in the middle of a step. A real control plane. The last
line is one JSON object. Goal: each step ends as in peace, with no child too many or too few.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from besteffort_operator.cluster import Cluster, connected
from besteffort_operator.errors import ApiError, NotFoundError
from besteffort_operator.kinds import KINDS, MANAGED_BY, SERVICE
from cluster.control_plane import ControlPlane
from support.operator_process import Operator, install, measured, resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAMESPACE = "team"
KILLS = 20
SEED = 4
LATEST_KILL_S = 2.5
AWAY_S = 30.0
PATIENCE_S = 90.0
STEPS = ("create", "update", "delete")
CREATED = {"placement": {"mode": "Dedicated"}}
UPDATED = CREATED | {"sizes": measured("small", "medium"), "tasks": ["arithmetic"], "router": {"replicas": 2}}
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
GIVEN = ("clusterIP", "clusterIPs", "volumeName")


@dataclass
class Scene:
    """A control plane, the operator in it, and what each step ends in when nothing happens."""

    plane: ControlPlane
    cluster: Cluster
    kubeconfig: Path
    expected: dict[str, dict[str, Any]] = field(default_factory=dict)
    operator: Operator | None = None

    def keep_running(self) -> Operator:
        """Start the operator if it does not run, as Kubernetes would."""
        if self.operator is None or self.operator.exit_status is not None:
            self.operator = Operator(self.kubeconfig, self.plane.folder / "operator.log")
        return self.operator


def main() -> None:
    with ControlPlane(2) as plane:
        outcomes = asyncio.run(measure(plane))
    kills = [same for name, same in outcomes.items() if name.startswith("killed")]
    value = {"kills_as_in_peace": sum(kills), "outages_as_in_peace": sum(outcomes.values()) - sum(kills)}
    goal = {"kills_as_in_peace": KILLS, "outages_as_in_peace": 2}
    report = {"bar": "operator-faults", "value": value, "goal": goal, "holds": value == goal, "seed": SEED}
    print(json.dumps(report | {"differs": [name for name, same in outcomes.items() if not same]}))


async def measure(plane: ControlPlane) -> dict[str, bool]:
    async with scene(plane) as found:
        for step in STEPS:
            await act(found, step)
            found.expected[step] = await settled(found)
            if not found.expected[step]["quiet"]:
                sys.exit(f"{step} in peace does not end within {PATIENCE_S:.0f} s; there is nothing to compare with")
        outcomes = {}
        rng = random.Random(SEED)
        for number, step in enumerate(islice(cycle(STEPS), KILLS), start=1):
            delay_s = rng.uniform(0, LATEST_KILL_S)
            await act(found, step)
            await asyncio.sleep(delay_s)
            found.keep_running().kill()
            name = f"killed {number}: {delay_s:.2f} s after {step}"
            outcomes[name] = await ends_as_in_peace(found, step, name)
        outcomes["API server away"] = await without_api_server(found)
        outcomes["etcd restarted"] = await with_etcd_restarted(found)
        return outcomes


@asynccontextmanager
async def scene(plane: ControlPlane) -> AsyncIterator[Scene]:
    (kubeconfig,) = install(plane)
    plane.kubectl("create", "namespace", NAMESPACE)
    async with connected(plane.kubeconfig, "benchmark") as cluster:
        found = Scene(plane, cluster, kubeconfig)
        found.keep_running().wait_until_logged("leads")
        try:
            yield found
        finally:
            found.keep_running().stop()


async def act(found: Scene, step: str) -> None:
    """Take a step with the service; before `update` and `delete` stands what the step before has left."""
    if step == "delete":
        await found.cluster.delete(SERVICE, await found.cluster.get(SERVICE, NAMESPACE, "assistant"))
    else:
        spec = CREATED if step == "create" else UPDATED
        await found.cluster.apply(SERVICE, resource("assistant", NAMESPACE, **spec), manager="benchmark")


async def without_api_server(found: Scene) -> bool:
    """Take the API server away for a while, half a second into a creation."""
    await act(found, "create")
    await asyncio.sleep(0.5)
    await asyncio.to_thread(found.plane.stop_api)
    until_s = time.monotonic() + AWAY_S
    while time.monotonic() < until_s:
        found.keep_running()
        await asyncio.sleep(0.5)
    await asyncio.to_thread(found.plane.start_api)
    return await ends_as_in_peace(found, "create", "API server away")


async def with_etcd_restarted(found: Scene) -> bool:
    """Restart etcd half a second into an update."""
    await act(found, "update")
    await asyncio.sleep(0.5)
    await asyncio.to_thread(found.plane.restart_etcd)
    return await ends_as_in_peace(found, "update", "etcd restarted")


async def ends_as_in_peace(found: Scene, step: str, name: str) -> bool:
    began_s = time.monotonic()
    same = await settled(found) == found.expected[step]
    print(f"{name}: {'as' if same else 'NOT as'} in peace after {time.monotonic() - began_s:.1f} s", flush=True)
    return same


async def settled(found: Scene) -> dict[str, Any]:
    """Return what there is once the service is as wanted, or is gone with its children, and nothing moves any more.

    After PATIENCE_S it is what there is then, and not `quiet`, so that it equals nothing that is.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    before: dict[str, Any] | None = None
    while True:
        found.keep_running()
        await asyncio.sleep(1.5)
        try:
            now = await picture(found.cluster)
        except ApiError:
            continue
        if (now == before and now["quiet"]) or time.monotonic() > give_up_at:
            return now | {"quiet": now == before and now["quiet"]}
        before = now


async def picture(cluster: Cluster) -> dict[str, Any]:
    """Return the service's status and its children, without what each object has of its own."""
    children = {
        f"{kind.kind}/{child['metadata']['name']}": plain(child)
        for kind in KINDS
        if not kind.optional
        for child in await cluster.list(kind, NAMESPACE, labels=MANAGED_BY)
    }
    try:
        service = await cluster.get(SERVICE, NAMESPACE, "assistant")
    except NotFoundError:
        return {"children": children, "status": None, "quiet": not children}
    status = service.get("status", {})
    said = {c["type"]: (c["status"], c["reason"], c["observedGeneration"]) for c in status.get("conditions", ())}
    of_now = status.get("observedGeneration") == service["metadata"]["generation"]
    quiet = of_now and said["Ready"][0] == "True" and said["Progressing"][0] == "False"
    # The first generation of a service that is updated is its second.
    verdicts = {kind: verdict[:2] for kind, verdict in said.items()}
    return {"children": children, "status": verdicts | {"sizes": status.get("sizes")}, "quiet": quiet}


def plain(child: dict[str, Any]) -> dict[str, Any]:
    """Return what the operator answers for in a child."""
    metadata = {key: value for key, value in child["metadata"].items() if key not in VOLATILE}
    metadata["ownerReferences"] = [owner["name"] for owner in metadata.get("ownerReferences", ())]
    annotations = metadata.get("annotations", {})
    # These hold the owner's uid, or count what a Deployment went through.
    own = ("serving.besteffort.dev/wanted", "deployment.kubernetes.io/revision")
    metadata["annotations"] = {key: value for key, value in annotations.items() if key not in own}
    body = {key: value for key, value in child.items() if key not in ("metadata", "status")}
    if isinstance(body.get("spec"), dict):
        body["spec"] = {key: value for key, value in body["spec"].items() if key not in GIVEN}
    return body | {"metadata": metadata}


if __name__ == "__main__":
    main()
