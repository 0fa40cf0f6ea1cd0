"""What becomes of a pod, and under which names the API server calls."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from besteffort_operator import webhook as module
from besteffort_operator.certificates import Certificate
from besteffort_operator.injection import NAME
from besteffort_operator.manifests.metadata import INJECT_LABEL
from besteffort_operator.reconcile import Surroundings
from besteffort_operator.settings import read_settings
from besteffort_operator.trust import names_in
from besteffort_operator.webhook import Webhook, verdict
from support.operator_process import resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.kinds import Kind
    from besteffort_operator.trust import Trust

FREE = ("127.0.0.1", 0)
SURROUNDINGS = Surroundings("router:1", "0.1.0")
POD: dict[str, Any] = {"metadata": {"name": "client"}, "spec": {"containers": [{"name": "client", "image": "c:1"}]}}


def live(**spec: Any) -> dict[str, Any]:
    found = resource("assistant", "default", **spec)
    return found | {"metadata": found["metadata"] | {"uid": "1"}}


def test_a_pod_gets_the_router_with_the_image_that_the_operator_was_told() -> None:
    found = verdict(live(router={"mode": "Sidecar"}), POD, SURROUNDINGS)
    sidecar = next(each["value"][0] for each in found.patch if each["path"] == "/spec/initContainers")
    assert (sidecar["name"], sidecar["image"]) == (NAME, "router:1")
    assert found.warning == ""


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"router": {"mode": "Gateway"}}, "has spec.router.mode Gateway, not Sidecar"),
        ({"sizes": []}, "is not valid (spec.sizes"),
        ({"policy": {"bundle": {"path": "policy.safetensors"}}}, "is not valid (spec.policy.bundle.path"),
    ],
)
def test_a_service_that_cannot_be_injected_is_a_warning(spec: dict[str, Any], sentence: str) -> None:
    found = verdict(live(**spec), POD, SURROUNDINGS)
    assert found.patch == []
    assert found.warning.startswith("BestEffortService assistant ")
    assert sentence in found.warning


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"hostNetwork": True}, "hostNetwork: its ports would be the node's"),
        ({"containers": [{"name": "c", "ports": [{"containerPort": 9090}]}]}, "container c has port 9090, which"),
        ({"initContainers": [{"name": "i", "ports": [{"containerPort": 8001}]}]}, "container i has port 8001, which"),
    ],
)
def test_a_pod_in_which_the_router_could_not_listen_gets_none_and_a_warning(
    spec: dict[str, Any], sentence: str
) -> None:
    found = verdict(live(router={"mode": "Sidecar"}), POD | {"spec": POD["spec"] | spec}, SURROUNDINGS)
    assert found.patch == []
    assert found.warning.startswith(sentence)


def test_other_ports_of_a_pod_are_no_obstacle_nor_is_the_router_that_it_has() -> None:
    service = live(router={"mode": "Sidecar"})
    ports = [{"containerPort": 8080}, {"containerPort": 8001, "protocol": "UDP"}]
    assert verdict(service, POD | {"spec": {"containers": [{"name": "c", "ports": ports}]}}, SURROUNDINGS).patch
    router = {"name": NAME, "ports": [{"containerPort": 9090}]}
    again = verdict(service, POD | {"spec": POD["spec"] | {"initContainers": [router]}}, SURROUNDINGS)
    assert again == ([], "")


def review(**changes: Any) -> dict[str, Any]:
    pod = POD | {"metadata": {"labels": {INJECT_LABEL: "assistant"}}}
    return {"request": {"uid": "1", "namespace": "default", "object": pod} | changes}


def labelled(name: Any) -> dict[str, Any]:
    return POD | {"metadata": {"labels": {INJECT_LABEL: name}}}


class Asked:
    """An API server that is asked for services, waits for a gate, and counts."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.full = asyncio.Event()
        self.gate = asyncio.Event()

    async def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        self.paths.append(kind.path(namespace, name))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once == module.AT_ONCE:
            self.full.set()
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        return live(router={"mode": "Sidecar"})


@asynccontextmanager
async def answering(cluster: Asked) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    webhook = Webhook(cast("Cluster", cluster), cast("Trust", None), SURROUNDINGS, FREE)
    async with TestClient(TestServer(webhook.application())) as client:
        yield client


@pytest.mark.parametrize(
    "asked",
    [
        review(namespace="default/../kube-system"),
        review(namespace="a%2fb"),
        review(namespace=""),
        review(namespace=3),
        review(uid=None),
        review(object=labelled("x/../../secrets")),
        review(object=labelled("a?watch=1")),
        review(object=labelled("a" * 64)),
        review(object=labelled(["a"])),
        review(object={"metadata": {"labels": {INJECT_LABEL: "a"}}}),
        [],
    ],
)
async def test_what_is_no_name_never_gets_into_a_path(asked: Any) -> None:
    cluster = Asked()
    async with answering(cluster) as client:
        response = await client.post("/inject", json=asked)
    assert response.status == 400
    assert cluster.paths == []


async def test_what_nests_without_end_is_no_review() -> None:
    async with answering(Asked()) as client:
        assert (await client.post("/inject", data=b"[" * 100_000)).status == 400
        assert (await client.post("/inject", data=BytesIO(b" " * (module.MOST_BYTES + 1)))).status == 413


async def test_few_reviews_are_answered_at_once_and_all_get_their_turn() -> None:
    cluster = Asked()
    async with answering(cluster) as client:
        asking = [asyncio.ensure_future(client.post("/inject", json=review())) for _ in range(20)]
        await cluster.full.wait()
        cluster.gate.set()
        assert [(await each).status for each in asking] == [200] * 20
    assert cluster.most_at_once == module.AT_ONCE


async def test_who_is_not_answered_in_time_is_told_so_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.2)
    cluster = Asked()
    async with answering(cluster) as client:
        asking = [asyncio.ensure_future(client.post("/inject", json=review())) for _ in range(module.AT_ONCE)]
        assert [(await each).status for each in asking] == [503] * module.AT_ONCE
        cluster.gate.set()
        assert (await client.post("/inject", json=review())).status == 200


class Spoilt:
    """What looks after the certificate finds one that nobody can use."""

    def __init__(self) -> None:
        self.asked = 0
        self.often = asyncio.Event()

    async def certificate(self) -> Certificate:
        self.asked += 1
        if self.asked == 3:
            self.often.set()
        return Certificate(b"", b"nonsense", b"nonsense")


async def test_a_certificate_that_cannot_be_shown_is_asked_for_again_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    trust = Spoilt()
    webhook = Webhook(cast("Cluster", None), cast("Trust", trust), SURROUNDINGS, FREE)
    running = asyncio.ensure_future(webhook.run())
    async with asyncio.timeout(5.0):
        await trust.often.wait()
    assert not running.done()
    assert not webhook.is_listening
    running.cancel()


def test_the_webhook_is_called_by_the_names_in_its_configuration() -> None:
    service = {"clientConfig": {"service": {"name": "besteffort", "namespace": "besteffort-system", "port": 443}}}
    direct = {"clientConfig": {"url": "https://127.0.0.1:9443/inject"}}
    assert names_in({"webhooks": [service, service, direct]}) == ["besteffort.besteffort-system.svc", "127.0.0.1"]
    assert names_in({}) == []


def test_without_its_flag_there_is_no_webhook() -> None:
    assert read_settings([]).webhook is None
    found = read_settings(["--webhook", "0.0.0.0:9443", "--webhook-secret", "kept"]).webhook
    assert found is not None
    assert (found.address, found.secret) == (("0.0.0.0", 9443), "kept")
