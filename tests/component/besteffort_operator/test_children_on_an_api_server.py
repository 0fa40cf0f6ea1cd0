"""What a real API server makes of children whose names are free, or taken a moment ago."""

from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.children import Children
from besteffort_operator.cluster import connected
from besteffort_operator.comparison import Memory
from besteffort_operator.kinds import CONFIG_MAP
from cluster.access import Cluster

pytestmark = pytest.mark.cluster


def owner(namespace: str, uid: str) -> dict[str, Any]:
    return {"metadata": {"name": "assistant", "namespace": namespace, "uid": uid}}


def child(namespace: str, uid: str, text: str) -> dict[str, Any]:
    reference = {"apiVersion": "v1", "kind": "Owner", "name": "assistant", "uid": uid, "controller": True}
    metadata = {"name": "assistant-router", "namespace": namespace, "ownerReferences": [reference]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


async def test_of_two_services_that_want_one_name_the_first_has_it(api_server: Cluster, namespace: str) -> None:
    """Neither saw the object of the other when it read its children."""
    async with connected(api_server.kubeconfig, "test") as cluster:
        children = Children(cluster, Memory())
        first = await children.settle(owner(namespace, "one"), [child(namespace, "one", "first")], [])
        second = await children.settle(owner(namespace, "two"), [child(namespace, "two", "second")], [])
        found = await cluster.get(CONFIG_MAP, namespace, "assistant-router")
    assert (found["data"], found["metadata"]["ownerReferences"][0]["uid"]) == ({"text": "first"}, "one")
    assert (len(first.refused), len(second.refused), second.live) == (0, 1, [])


async def test_a_child_that_lost_its_labels_is_written_again(api_server: Cluster, namespace: str) -> None:
    async with connected(api_server.kubeconfig, "test") as cluster:
        children = Children(cluster, Memory())
        await children.settle(owner(namespace, "one"), [child(namespace, "one", "first")], [])
        again = await children.settle(owner(namespace, "one"), [child(namespace, "one", "second")], [])
        found = await cluster.get(CONFIG_MAP, namespace, "assistant-router")
    assert (again.refused, found["data"]) == ([], {"text": "second"})
