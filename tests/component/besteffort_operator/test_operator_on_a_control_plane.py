"""The operator as a process, with the chart's rights, on a real control plane: what it makes, keeps and takes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from besteffort_operator.cluster import Cluster, connected
from besteffort_operator.errors import NotFoundError
from besteffort_operator.kinds import CONFIG_MAP, DEPLOYMENT, EVENT, KINDS, MANAGED_BY, SERVICE, Kind
from cluster.control_plane import ControlPlane
from support.operator_process import Operator, every_kind, install, measured, resource, until

USER = "system:serviceaccount:besteffort-system:operator"
BUILT_IN = [kind for kind in KINDS if not kind.optional]
AUTOSCALER = next(kind for kind in KINDS if kind.kind == "HorizontalPodAutoscaler")
RESYNC_S = 2


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    (kubeconfig,) = install(control_plane)
    log = tmp_path_factory.mktemp("operator") / "log"
    with Operator(kubeconfig, log, "--resync-s", str(RESYNC_S)) as running:
        running.wait_until_logged("leads")
        yield running


@pytest_asyncio.fixture
async def cluster(control_plane: ControlPlane, operator: Operator) -> AsyncIterator[Cluster]:
    assert operator.exit_status is None
    async with connected(control_plane.kubeconfig, "tests") as found:
        yield found


async def condition(cluster: Cluster, namespace: str, kind: str, name: str = "assistant") -> dict[str, Any]:
    """Return a condition of the service as it is now, for its present generation; empty while there is none."""
    found = await cluster.get(SERVICE, namespace, name)
    conditions = found.get("status", {}).get("conditions", ())
    of_now = (c for c in conditions if c["observedGeneration"] == found["metadata"]["generation"])
    return next((c for c in of_now if c["type"] == kind), {})


async def made_ready(cluster: Cluster, namespace: str, **spec: Any) -> dict[str, Any]:
    """Apply the service of a test, and wait until it is Ready."""
    await cluster.apply(SERVICE, resource("assistant", namespace, **spec), manager="tests")
    await until_condition(cluster, namespace, "Ready", "True")
    return await cluster.get(SERVICE, namespace, "assistant")


async def until_condition(cluster: Cluster, namespace: str, kind: str, status: str) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        seen = await condition(cluster, namespace, kind)
        return seen if seen.get("status") == status else None

    answer: dict[str, Any] = await until(found, f"{kind} to be {status}")
    return answer


async def children(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    return [child for kind in BUILT_IN for child in await cluster.list(kind, namespace, labels=MANAGED_BY)]


async def one(cluster: Cluster, kind: Kind, namespace: str) -> dict[str, Any]:
    """Return the first child of a kind."""
    found: dict[str, Any] = (await cluster.list(kind, namespace, labels=MANAGED_BY))[0]
    return found


async def test_a_service_becomes_ready_and_owns_what_it_needs(cluster: Cluster, namespace: str) -> None:
    service = await made_ready(cluster, namespace)
    found = await children(cluster, namespace)
    assert {child["kind"] for child in found} >= {"ConfigMap", "Deployment", "Service", "ServiceAccount"}
    for child in found:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (service["metadata"]["uid"], True)
        assert child["metadata"]["managedFields"][0]["manager"] == "besteffort-operator"
    assert service["status"]["observedGeneration"] == service["metadata"]["generation"]
    assert service["status"]["url"] == f"assistant.{namespace}.svc:8001"
    assert "finalizers" not in service["metadata"]
    assert "annotations" not in service["metadata"]


async def test_a_resync_of_an_unchanged_service_writes_nothing(
    cluster: Cluster, namespace: str, control_plane: ControlPlane, operator: Operator
) -> None:
    await made_ready(cluster, namespace)
    await until_condition(cluster, namespace, "Progressing", "False")
    await asyncio.sleep(2.5)  # what its own writes still woke

    def count() -> tuple[int, float]:
        ours = [call for call in control_plane.calls() if call.user == USER and call.namespace == namespace]
        return sum(call.writes for call in ours), operator.metric("besteffort_operator_reconcile_seconds_count")

    writes, reconciles = count()
    await asyncio.sleep(2 * RESYNC_S + 1)
    writes_after, reconciles_after = count()
    assert reconciles_after > reconciles
    assert writes_after == writes


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.kind)
async def test_a_child_that_is_deleted_comes_back(cluster: Cluster, namespace: str, kind: Kind) -> None:
    await made_ready(cluster, namespace, **every_kind())
    before = await one(cluster, kind, namespace)
    await cluster.delete(kind, before)
    name, uid = before["metadata"]["name"], before["metadata"]["uid"]
    with suppress(NotFoundError):  # a claim in use would stay until its pods are gone
        await cluster.merge(kind, {"metadata": {"name": name, "namespace": namespace, "finalizers": None}})

    async def came_back() -> bool:
        found = await cluster.get(kind, namespace, name)
        return bool(found["metadata"]["uid"] != uid)

    await until(came_back, f"{kind.kind} {name}", timeout_s=10)


async def test_what_somebody_changes_in_a_child_is_put_right(cluster: Cluster, namespace: str) -> None:
    await made_ready(cluster, namespace)
    child = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "assistant-router"}}
    child["metadata"]["namespace"] = namespace
    await cluster.apply(DEPLOYMENT, child | {"spec": {"replicas": 5}}, manager="somebody")

    async def put_right() -> bool:
        found = await cluster.get(DEPLOYMENT, namespace, "assistant-router")
        return bool(found["spec"]["replicas"] == 1)

    await until(put_right, "the replicas that the service wants", timeout_s=10)


async def test_a_child_that_lost_its_labels_is_taken_back(cluster: Cluster, namespace: str) -> None:
    await made_ready(cluster, namespace)
    config = await cluster.get(CONFIG_MAP, namespace, "assistant-router")
    bare = {"metadata": {"name": "assistant-router", "namespace": namespace, "labels": None}, "data": None}
    await cluster.merge(CONFIG_MAP, bare)

    async def taken_back() -> bool:
        found = await cluster.get(CONFIG_MAP, namespace, "assistant-router")
        same = found["metadata"]["uid"] == config["metadata"]["uid"]
        return bool(same and found.get("data") == config["data"] and found["metadata"].get("labels"))

    await until(taken_back, "the ConfigMap as it was", timeout_s=10)


async def test_an_object_of_somebody_else_is_neither_taken_nor_changed(cluster: Cluster, namespace: str) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "assistant-router"}, "data": {"a": "b"}}
    theirs["metadata"]["namespace"] = namespace  # type: ignore[index]
    await cluster.create(CONFIG_MAP, theirs)
    await cluster.apply(SERVICE, resource("assistant", namespace), manager="tests")
    fault = await until_condition(cluster, namespace, "Degraded", "True")
    assert "ConfigMap assistant-router exists and is not this service's" in fault["message"]
    found = await cluster.get(CONFIG_MAP, namespace, "assistant-router")
    assert found["data"] == {"a": "b"}
    assert "ownerReferences" not in found["metadata"]


async def test_a_size_that_goes_takes_its_children_along(cluster: Cluster, namespace: str) -> None:
    await made_ready(cluster, namespace, placement={"mode": "Dedicated"})
    names = {child["metadata"]["name"] for child in await children(cluster, namespace)}
    assert {"assistant-triton-small", "assistant-triton-large"} <= names
    await made_ready(cluster, namespace, placement={"mode": "Dedicated"}, sizes=measured("small"))

    async def gone() -> bool:
        return not any("large" in child["metadata"]["name"] for child in await children(cluster, namespace))

    await until(gone, "the children of the size large")


async def test_nothing_is_left_of_a_service_that_is_deleted(cluster: Cluster, namespace: str) -> None:
    service = await made_ready(cluster, namespace, **every_kind())
    await cluster.delete(SERVICE, service)

    async def gone() -> bool:
        return not await children(cluster, namespace)

    await until(gone, "no child to be left", timeout_s=60)
    await asyncio.sleep(2)
    assert not await children(cluster, namespace)


async def test_what_only_the_operator_can_refuse_is_said_in_the_status(cluster: Cluster, namespace: str) -> None:
    unmeasured = resource("assistant", namespace)
    del unmeasured["spec"]["sizes"][0]["latency"]
    await cluster.apply(SERVICE, unmeasured, manager="tests")
    fault = await until_condition(cluster, namespace, "Ready", "False")
    assert fault["reason"] == "NotCalibrated"
    assert fault["message"].startswith("spec.sizes[0].latency: neither the resource nor a profile has it for small")
    assert not await children(cluster, namespace)


async def test_a_profile_that_comes_later_is_taken(cluster: Cluster, namespace: str) -> None:
    unmeasured = resource("assistant", namespace, sizes=measured("small"))
    del unmeasured["spec"]["sizes"][0]["latency"]
    unmeasured["spec"]["profile"] = {"configMapRef": {"name": "measured", "key": "profile.yaml"}}
    await cluster.apply(SERVICE, unmeasured, manager="tests")
    fault = await until_condition(cluster, namespace, "Ready", "False")
    assert "there is no ConfigMap measured" in fault["message"]
    profile = "sizes: {small: {latency: [{batch: 1, seconds: '0.01'}]}}"
    metadata = {"name": "measured", "namespace": namespace}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"profile.yaml": profile}}
    await cluster.create(CONFIG_MAP, config_map)
    await until_condition(cluster, namespace, "Ready", "True")


async def test_replicas_are_handed_to_an_autoscaler_as_they_are_and_never_fought_over(
    cluster: Cluster, namespace: str
) -> None:
    await made_ready(cluster, namespace, router={"replicas": 4})
    await made_ready(cluster, namespace, router={"scaling": {"minReplicas": 1, "maxReplicas": 9}})
    await until(lambda: cluster.list(AUTOSCALER, namespace), "an autoscaler")
    router = await cluster.get(DEPLOYMENT, namespace, "assistant-router")
    assert router["spec"]["replicas"] == 4
    scale = {"metadata": {"name": "assistant-router", "namespace": namespace}, "spec": {"replicas": 7}}
    await cluster.merge(DEPLOYMENT, scale)
    await asyncio.sleep(RESYNC_S + 2)
    router = await cluster.get(DEPLOYMENT, namespace, "assistant-router")
    assert router["spec"]["replicas"] == 7


async def test_a_status_does_not_move_the_generation_and_follows_it(cluster: Cluster, namespace: str) -> None:
    before = await made_ready(cluster, namespace)
    assert before["metadata"]["generation"] == 1
    after = await made_ready(cluster, namespace, tasks=["arithmetic"])
    assert after["metadata"]["generation"] == after["status"]["observedGeneration"] == 2
    kept = [c["lastTransitionTime"] for s in (before, after) for c in s["status"]["conditions"] if c["type"] == "Ready"]
    assert kept[0] == kept[1]


async def test_events_say_once_what_was_made(cluster: Cluster, namespace: str) -> None:
    await made_ready(cluster, namespace)

    async def told() -> list[dict[str, Any]]:
        """The Events of the service once the last of them is there: it comes after the status."""
        found = [e for e in await cluster.list(EVENT, namespace) if e["involvedObject"]["kind"] == "BestEffortService"]
        return found if any(event["message"].startswith("Ready is True") for event in found) else []

    created = [event for event in await until(told, "an Event of Ready") if event["reason"] == "Created"]
    assert len(created) == 1
    assert "Deployment assistant-router" in created[0]["message"]


async def test_a_second_replica_waits(
    cluster: Cluster, namespace: str, control_plane: ControlPlane, operator: Operator, tmp_path: Path
) -> None:
    (kubeconfig,) = install(control_plane)
    with Operator(kubeconfig, tmp_path / "second", name="second") as second:
        second.wait_until_logged("metrics at")
        await made_ready(cluster, namespace)
        assert operator.metric("besteffort_operator_leader") == 1
        assert second.metric("besteffort_operator_leader") == 0
        assert second.metric("besteffort_operator_reconcile_seconds_count") == 0
        assert second.page("/readyz") == "ok\n"
        assert second.stop() == 0
