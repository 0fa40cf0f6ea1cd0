"""The recipe, on a cluster in memory."""

from __future__ import annotations

from typing import Any, cast

import pytest

from besteffort_operator import reconcile as module
from besteffort_operator.autoscaler import scales
from besteffort_operator.children import Children
from besteffort_operator.cluster import Cluster
from besteffort_operator.comparison import Memory
from besteffort_operator.errors import ForbiddenError, NotLeadingError, UnavailableError
from besteffort_operator.events import Events
from besteffort_operator.kinds import CONFIG_MAP, DEPLOYMENT, EVENT, SERVICE, Kind
from besteffort_operator.pods import Directory
from besteffort_operator.reconcile import REFUSED_S, SCALING_S, UNSETTLED_S, Outcome, Reconciler, Surroundings
from besteffort_operator.work import Key
from support.in_memory_cluster import InMemoryCluster
from support.operator_process import measured, resource

KEY = Key("models", "assistant")


def service(**spec: Any) -> dict[str, Any]:
    found = resource("assistant", "models", **spec)
    found["metadata"] |= {"uid": "owner", "generation": 1}
    return found


def reconciler(cluster: InMemoryCluster) -> Reconciler:
    real = cast("Cluster", cluster)
    surroundings = Surroundings("besteffort/router:1", "1")
    children, directory = Children(real, Memory()), Directory()
    return Reconciler(real, children, Events(real, "operator-0"), surroundings, directory, lambda *_: ())


async def complete(cluster: InMemoryCluster) -> None:
    """Let every Deployment be as far as it can come, as a controller would."""
    for found in await cluster.list(DEPLOYMENT, "models"):
        count = found["spec"].get("replicas", 1)
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
        done = [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]
        found["metadata"] |= {"generation": 1}
        cluster.put(found | {"status": {"observedGeneration": 1, "conditions": done} | numbers})


async def condition(cluster: InMemoryCluster, kind: str) -> dict[str, Any]:
    conditions = (await cluster.get(SERVICE, *KEY))["status"]["conditions"]
    (found,) = [one for one in conditions if one["type"] == kind]
    return cast("dict[str, Any]", found)


async def test_a_new_service_gets_its_children_a_status_and_an_event() -> None:
    cluster = InMemoryCluster(service())
    outcome = await reconciler(cluster).reconcile(KEY)
    assert outcome == Outcome("changed", ready=False, again_s=UNSETTLED_S)
    assert "apply Deployment assistant-triton" in cluster.writes
    assert (await condition(cluster, "Ready"))["observedGeneration"] == 1
    assert [event["reason"] for event in await cluster.list(EVENT)] == ["Created"]


async def test_a_service_that_is_ready_and_unchanged_costs_no_write() -> None:
    cluster = InMemoryCluster(service())
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    await complete(cluster)
    assert (await ours.reconcile(KEY)).ready
    cluster.writes.clear()
    assert await ours.reconcile(KEY) == Outcome("unchanged", ready=True, again_s=None)
    assert cluster.writes == []


async def test_another_operator_finds_nothing_to_do_either() -> None:
    cluster = InMemoryCluster(service())
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    await complete(cluster)
    await ours.reconcile(KEY)
    cluster.writes.clear()
    assert (await reconciler(cluster).reconcile(KEY)).result == "unchanged"
    assert cluster.writes == []


async def test_a_service_that_is_gone_is_left_in_peace() -> None:
    cluster = InMemoryCluster()
    assert await reconciler(cluster).reconcile(KEY) == Outcome("gone")


async def test_nothing_is_written_for_a_service_that_is_being_deleted() -> None:
    going = service()
    going["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    cluster = InMemoryCluster(going)
    assert (await reconciler(cluster).reconcile(KEY)).result == "deleting"
    assert cluster.writes == []


async def test_a_resource_that_breaks_a_rule_is_refused_with_the_sentence_and_its_children_stay() -> None:
    cluster = InMemoryCluster(service())
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    before = await cluster.list(DEPLOYMENT, "models")
    cluster.put(await cluster.get(SERVICE, *KEY) | {"spec": {"sizes": measured("small", "small")}})
    assert await ours.reconcile(KEY) == Outcome("refused", ready=False, again_s=None)
    ready = await condition(cluster, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidResource")
    assert "small is there 2 times" in ready["message"]
    assert await cluster.list(DEPLOYMENT, "models") == before


async def test_a_folder_of_one_machine_is_refused_on_a_cluster() -> None:
    (size,) = measured("small")
    size["model"]["repository"]["uri"] = "models"
    cluster = InMemoryCluster(service(sizes=[size]))
    await reconciler(cluster).reconcile(KEY)
    assert (await condition(cluster, "Ready"))["reason"] == "InvalidResource"


async def test_what_was_never_measured_is_asked_for_and_taken_from_a_profile() -> None:
    (size,) = measured("small")
    del size["latency"]
    profile = {"configMapRef": {"name": "measured", "key": "profile.yaml"}}
    cluster = InMemoryCluster(service(sizes=[size], profile=profile))
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    assert "there is no ConfigMap measured" in (await condition(cluster, "Ready"))["message"]
    assert ours.references.profiles() == {("models", "measured"): [KEY]}
    data = {"profile.yaml": "sizes: {small: {latency: [{batch: 1, seconds: '0.5'}]}}"}
    metadata = {"name": "measured", "namespace": "models"}
    cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    assert (await ours.reconcile(KEY)).result == "changed"
    config = await cluster.get(CONFIG_MAP, "models", "assistant-router")
    assert '"seconds": 0.5' in config["data"]["router.json"]


async def test_what_the_api_server_refuses_is_in_the_status_and_tried_again() -> None:
    cluster = InMemoryCluster(service())
    cluster.refuses["apply PodDisruptionBudget"] = ForbiddenError("poddisruptionbudgets is forbidden")
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    degraded = await condition(cluster, "Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "Forbidden")
    await complete(cluster)
    assert (await ours.reconcile(KEY)).again_s == REFUSED_S


async def test_without_the_right_to_look_the_status_says_so() -> None:
    cluster = InMemoryCluster(service())
    cluster.refuses["list Service"] = ForbiddenError("services is forbidden")
    assert await reconciler(cluster).reconcile(KEY) == Outcome("refused", ready=False, again_s=REFUSED_S)
    assert (await condition(cluster, "Ready"))["reason"] == "Forbidden"


@pytest.mark.parametrize("error", [UnavailableError("away"), NotLeadingError("the lease is another's")])
async def test_an_outage_and_a_lost_lease_end_the_reconcile(error: Any) -> None:
    cluster = InMemoryCluster(service())
    cluster.refuses |= {"apply": error, "status": error}
    with pytest.raises(type(error)):
        await reconciler(cluster).reconcile(KEY)
    assert "status" not in await cluster.get(SERVICE, *KEY)


async def test_an_object_that_the_api_server_fails_at_is_in_the_status_and_tried_again() -> None:
    cluster = InMemoryCluster(service())
    cluster.refuses["apply PodDisruptionBudget"] = UnavailableError("500 failed calling webhook")
    with pytest.raises(UnavailableError):
        await reconciler(cluster).reconcile(KEY)
    assert "apply Deployment assistant-router" in cluster.writes
    degraded = await condition(cluster, "Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "Refused")
    assert "failed calling webhook" in degraded["message"]


async def test_an_error_of_the_operator_itself_is_in_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> None:
        raise KeyError("labels")

    monkeypatch.setattr(module, "wanted", build)
    cluster = InMemoryCluster(service())
    with pytest.raises(KeyError):
        await reconciler(cluster).reconcile(KEY)
    ready = await condition(cluster, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InternalError")
    assert "KeyError 'labels'" in ready["message"]


async def test_objects_of_others_with_the_names_of_children_are_named_and_left_out() -> None:
    def foreign(kind: Kind, name: str, **body: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": KEY.namespace}
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | body

    ready = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1}
    config = foreign(CONFIG_MAP, "assistant-router", data={"router.json": "{}"})
    cluster = InMemoryCluster(service(), config, foreign(DEPLOYMENT, "assistant-triton", spec={}, status=ready))
    await reconciler(cluster).reconcile(KEY)
    degraded = await condition(cluster, "Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "Refused")
    assert "exists and is not this service's" in degraded["message"]
    sizes = (await cluster.get(SERVICE, *KEY))["status"]["sizes"]
    assert {size["ready"] for size in sizes} == {0}
    assert (await cluster.get(CONFIG_MAP, KEY.namespace, "assistant-router"))["data"] == {"router.json": "{}"}


async def test_a_service_that_the_operator_scales_is_looked_at_often() -> None:
    cluster = InMemoryCluster(service(placement={"scaling": {"minReplicas": 2, "maxReplicas": 4}}))
    ours = reconciler(cluster)
    await ours.reconcile(KEY)
    await complete(cluster)
    assert (await ours.reconcile(KEY)).again_s == SCALING_S
    assert (await cluster.get(DEPLOYMENT, "models", "assistant-triton"))["spec"]["replicas"] == 2


async def test_what_is_asked_of_the_autoscaler_starts_from_what_runs() -> None:
    cluster = InMemoryCluster(service(placement={"scaling": {"minReplicas": 1, "maxReplicas": 4}}))
    await reconciler(cluster).reconcile(KEY)
    running = await cluster.get(DEPLOYMENT, "models", "assistant-triton")
    running["spec"]["replicas"] = 3
    cluster.put(running)
    await reconciler(cluster).reconcile(KEY)  # one that has just started and has heard of no router
    assert (await cluster.get(DEPLOYMENT, "models", "assistant-triton"))["spec"]["replicas"] == 3


def test_only_the_operators_own_engine_makes_it_look_often() -> None:
    from besteffort_resource.document import service_from_mapping  # noqa: PLC0415

    def read(**spec: Any) -> Any:
        return service_from_mapping(resource("assistant", "models", **spec))

    assert scales(read(placement={"scaling": {"maxReplicas": 2}}))
    assert not scales(read(placement={"scaling": {"maxReplicas": 2, "engine": "HPA"}}))
    assert not scales(read())
