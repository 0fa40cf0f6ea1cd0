"""Where routers show their status."""

from __future__ import annotations

from typing import Any, cast

import pytest

from besteffort_operator.cluster import Cluster
from besteffort_operator.injection import NAME
from besteffort_operator.pods import Directory, read_pods
from besteffort_operator.work import Key
from besteffort_resource.document import service_from_mapping
from support.in_memory_cluster import InMemoryCluster
from support.operator_process import resource

KEY = Key("models", "assistant")
OWN = {"app.kubernetes.io/name": "besteffort", "app.kubernetes.io/instance": "assistant"}
ROUTER = OWN | {"serving.besteffort.dev/role": "router", "app.kubernetes.io/component": "router"}
CANARY = ROUTER | {"app.kubernetes.io/component": "router-canary"}
CLIENT = {"serving.besteffort.dev/inject": "assistant"}


def pod(name: str, labels: dict[str, str], ip: str = "10.0.0.1", **metadata: Any) -> dict[str, Any]:
    found = {"name": name, "namespace": "models", "labels": labels} | metadata
    spec = {"containers": [{"name": "main"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": found, "spec": spec, "status": {"podIP": ip} if ip else {}}


def injected(name: str) -> dict[str, Any]:
    found = pod(name, CLIENT)
    found["spec"]["initContainers"] = [{"name": NAME}]
    return found


def test_routers_with_an_address_are_found_and_canaries_told_apart() -> None:
    directory = Directory()
    triton = pod("triton", OWN | {"app.kubernetes.io/component": "triton"})
    going = pod("going", ROUTER, deletionTimestamp="2026-11-21T12:00:00Z")
    directory.note(KEY, [pod("a", ROUTER), pod("b", CANARY, "fd00::1"), pod("c", ROUTER, ""), triton, going])
    found = list(directory.addresses())
    assert [(a.pod, a.address, a.canary, a.eager) for a in found] == [
        ("a", "10.0.0.1:9090", False, False),
        ("b", "[fd00::1]:9090", True, False),
    ]


def test_sidecars_are_routers_too() -> None:
    directory = Directory()
    directory.note(KEY, [injected("client"), pod("without", CLIENT)])
    assert [address.pod for address in directory.addresses()] == ["client"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_keeps_its_address_but_is_no_router(phase: str) -> None:
    directory, ended = Directory(), injected("job")
    ended["status"]["phase"] = phase
    directory.note(KEY, [ended])
    assert list(directory.addresses()) == []


def test_news_are_asked_for_often_until_they_are_not() -> None:
    directory = Directory()
    directory.note(KEY, [pod("a", ROUTER)])
    directory.hurry(KEY, eager=True)
    assert [address.eager for address in directory.addresses()] == [True]
    directory.hurry(KEY, eager=False)
    assert [address.eager for address in directory.addresses()] == [False]


def test_of_a_service_that_is_gone_nothing_is_left() -> None:
    directory = Directory()
    directory.note(KEY, [pod("a", ROUTER)])
    directory.forget(KEY)
    assert list(directory.addresses()) == []


async def test_clients_pods_are_read_only_where_routers_are_sidecars() -> None:
    cluster = cast("Cluster", InMemoryCluster(pod("a", ROUTER), pod("client", CLIENT), pod("other", {})))

    async def names(**spec: Any) -> list[str]:
        service = service_from_mapping(resource("assistant", "models", **spec))
        return [found["metadata"]["name"] for found in await read_pods(cluster, KEY, service)]

    assert await names() == ["a"]
    assert await names(router={"mode": "Sidecar"}) == ["a", "client"]
