"""Children are made as wanted: what is written, what is left alone, what is refused."""

from __future__ import annotations

from typing import Any, cast

import pytest

from besteffort_operator.children import Children
from besteffort_operator.cluster import Cluster
from besteffort_operator.comparison import Memory
from besteffort_operator.errors import ConflictError, ForbiddenError, InvalidError, NotLeadingError, UnavailableError
from besteffort_operator.kinds import CONFIG_MAP, DEPLOYMENT, OPTIONAL_KINDS
from besteffort_operator.manifests.metadata import sealed
from besteffort_operator.reasons import Reason
from support.in_memory_cluster import InMemoryCluster

OWNER = {"metadata": {"name": "assistant", "namespace": "models", "uid": "owner"}}
LABELS = {"app.kubernetes.io/managed-by": "besteffort-operator", "app.kubernetes.io/instance": "assistant"}
MONITOR = next(kind for kind in OPTIONAL_KINDS if kind.kind == "PodMonitor")


def child(kind: Any, name: str, uid: str = "owner", **body: Any) -> dict[str, Any]:
    owner = {"name": "assistant", "uid": uid, "controller": True}
    metadata = {"name": name, "namespace": "models", "labels": LABELS, "ownerReferences": [owner]}
    return sealed({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | body)


def children(cluster: InMemoryCluster) -> Children:
    return Children(cast("Cluster", cluster), Memory())


async def test_what_is_missing_is_made_and_then_left_alone() -> None:
    cluster, wanted = InMemoryCluster(), [child(CONFIG_MAP, "a", data={"x": "1"})]
    ours = children(cluster)
    settled = await ours.settle(OWNER, wanted, await ours.read(OWNER))
    assert settled.created == ["ConfigMap a"]
    again = await ours.settle(OWNER, wanted, await ours.read(OWNER))
    assert not any(again.done.values())
    assert cluster.writes == ["apply ConfigMap a"]


async def test_what_differs_is_changed_and_what_is_wanted_no_more_is_removed() -> None:
    cluster = InMemoryCluster(child(CONFIG_MAP, "a", data={"x": "1"}), child(CONFIG_MAP, "b"))
    ours = children(cluster)
    settled = await ours.settle(OWNER, [child(CONFIG_MAP, "a", data={"x": "2"})], await ours.read(OWNER))
    assert (settled.changed, settled.removed) == (["ConfigMap a"], ["ConfigMap b"])
    assert [found["data"] for found in settled.live] == [{"x": "2"}]


async def test_what_another_owns_is_not_seen_as_ours() -> None:
    cluster = InMemoryCluster(child(CONFIG_MAP, "a", uid="former"))
    assert await children(cluster).read(OWNER) == []


async def test_a_name_that_is_taken_is_a_fault_and_the_object_stays() -> None:
    cluster = InMemoryCluster(child(CONFIG_MAP, "a", uid="another", data={"x": "theirs"}))
    ours = children(cluster)
    settled = await ours.settle(OWNER, [child(CONFIG_MAP, "a", data={"x": "1"})], await ours.read(OWNER))
    found = await cluster.get(CONFIG_MAP, OWNER["metadata"]["namespace"], "a")
    assert found["data"] == {"x": "theirs"}
    assert [finding.sentence for finding in settled.refused] == [
        "ConfigMap a exists and is not this service's; rename one of the two"
    ]
    assert settled.live == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ForbiddenError("configmaps is forbidden"), Reason.FORBIDDEN),
        (ForbiddenError("exceeded quota: models"), Reason.QUOTA_EXCEEDED),
        (InvalidError("spec.x: Invalid value"), Reason.REFUSED),
        (UnavailableError("500 failed calling webhook"), Reason.REFUSED),
        (ConflictError("somebody wrote"), Reason.REFUSED),
    ],
)
async def test_what_is_refused_does_not_stop_the_rest(error: Any, reason: Reason) -> None:
    cluster = InMemoryCluster()
    cluster.refuses["apply ConfigMap"] = error
    wanted = [child(CONFIG_MAP, "a"), child(DEPLOYMENT, "b", spec={"replicas": 1})]
    settled = await children(cluster).settle(OWNER, wanted, [])
    assert settled.created[-1] == "Deployment b"
    assert [finding.reason for finding in settled.refused] == [reason]
    assert settled.created == ["Deployment b"]
    assert [found["kind"] for found in settled.live] == ["Deployment"]
    assert settled.retry is (error if isinstance(error, UnavailableError | ConflictError) else None)


@pytest.mark.parametrize(
    ("component", "block"), [("triton", "triton"), ("router", "router"), ("router-canary", "router")]
)
async def test_a_refused_child_is_named_with_the_block_that_its_pods_come_from(component: str, block: str) -> None:
    said = "failed to create typed patch object (m/b; apps/v1, Kind=Deployment): .spec.template.spec.x: not declared"
    cluster = InMemoryCluster()
    cluster.refuses["apply Deployment"] = UnavailableError(f"PATCH /apis/apps/v1/x: 500 {said}", said)
    refused = child(DEPLOYMENT, "b", spec={"replicas": 1})
    refused["metadata"]["labels"] = refused["metadata"].get("labels", {}) | {"app.kubernetes.io/component": component}
    settled = await children(cluster).settle(OWNER, [refused], [])
    (found,) = settled.refused
    assert found.sentence == f"Deployment b: {said} (most often it comes from spec.{block}.podTemplate)"


async def test_a_child_that_is_refused_for_something_else_has_no_hint_of_its_pods() -> None:
    cluster = InMemoryCluster()
    cluster.refuses["apply ConfigMap"] = UnavailableError("PATCH /x: 500 webhook away", "webhook away")
    settled = await children(cluster).settle(OWNER, [child(CONFIG_MAP, "a")], [])
    assert [found.sentence for found in settled.refused] == ["ConfigMap a: webhook away"]


async def test_a_change_that_fails_leaves_the_child_in_sight() -> None:
    cluster = InMemoryCluster(child(CONFIG_MAP, "a", data={"x": "1"}))
    cluster.refuses["apply ConfigMap"] = UnavailableError("500 failed calling webhook")
    ours = children(cluster)
    settled = await ours.settle(OWNER, [child(CONFIG_MAP, "a", data={"x": "2"})], await ours.read(OWNER))
    assert [found["data"] for found in settled.live] == [{"x": "1"}]
    assert not any(settled.done.values())


async def test_who_may_not_write_any_more_writes_nothing_of_the_rest() -> None:
    cluster = InMemoryCluster()
    cluster.refuses["apply ConfigMap"] = NotLeadingError("the lease is another's")
    with pytest.raises(NotLeadingError):
        await children(cluster).settle(OWNER, [child(CONFIG_MAP, "a"), child(DEPLOYMENT, "b")], [])
    assert cluster.writes == ["apply ConfigMap a"]


async def test_replicas_go_to_an_autoscaler_with_their_number() -> None:
    before = child(DEPLOYMENT, "a", spec={"replicas": 4})
    fields = {"f:spec": {"f:replicas": {}}}
    before["metadata"]["managedFields"] = [{"manager": "besteffort-operator", "operation": "Apply", "fieldsV1": fields}]
    cluster = InMemoryCluster(before)
    ours = children(cluster)
    await ours.settle(OWNER, [child(DEPLOYMENT, "a", spec={})], await ours.read(OWNER))
    assert cluster.writes == ["apply Deployment a by besteffort-operator-handover", "apply Deployment a"]
    assert (await cluster.get(DEPLOYMENT, "models", "a"))["spec"]["replicas"] == 4


async def test_replicas_that_an_autoscaler_owns_are_not_written() -> None:
    cluster = InMemoryCluster(child(DEPLOYMENT, "a", spec={"paused": True}))
    ours = children(cluster)
    await ours.settle(OWNER, [child(DEPLOYMENT, "a", spec={"paused": False})], await ours.read(OWNER))
    assert cluster.writes == ["apply Deployment a"]


async def test_an_add_on_is_read_only_where_it_is_and_may_vanish() -> None:
    cluster = InMemoryCluster(child(MONITOR, "a"))
    ours = children(cluster)
    assert await ours.read(OWNER) == []
    ours.optional_kinds = frozenset({MONITOR})
    assert [found["kind"] for found in await ours.read(OWNER)] == ["PodMonitor"]
    cluster.refuses["list PodMonitor"] = ForbiddenError("no")
    assert await ours.read(OWNER) == []


async def test_without_the_right_to_list_what_it_needs_it_says_so() -> None:
    cluster = InMemoryCluster()
    cluster.refuses["list ConfigMap"] = ForbiddenError("no")
    with pytest.raises(ForbiddenError):
        await children(cluster).read(OWNER)


async def test_a_child_that_is_going_already_is_not_deleted_again() -> None:
    going = child(CONFIG_MAP, "a")
    going["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    cluster = InMemoryCluster(going)
    ours = children(cluster)
    settled = await ours.settle(OWNER, [], await ours.read(OWNER))
    assert (cluster.writes, settled.removed) == ([], [])


async def test_a_child_that_may_not_be_deleted_is_a_fault() -> None:
    cluster = InMemoryCluster(child(CONFIG_MAP, "a"))
    cluster.refuses["delete"] = ForbiddenError("configmaps is forbidden")
    ours = children(cluster)
    settled = await ours.settle(OWNER, [], await ours.read(OWNER))
    assert [finding.reason for finding in settled.refused] == [Reason.FORBIDDEN]
