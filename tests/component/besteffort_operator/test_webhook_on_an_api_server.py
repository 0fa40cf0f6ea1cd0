"""The API server asks the webhook about real pods: which get the router, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from besteffort_operator import webhook as module
from besteffort_operator.certificates import read_secret
from besteffort_operator.cluster import Cluster, connected
from besteffort_operator.errors import ApiError, InvalidError, UnavailableError
from besteffort_operator.injection import NAME
from besteffort_operator.kinds import POD
from besteffort_operator.reconcile import Surroundings
from besteffort_operator.settings import WebhookSettings
from besteffort_operator.trust import SECRET, WEBHOOKS, Trust
from besteffort_operator.webhook import Webhook
from cluster.control_plane import ApiServer
from support.chart import render, run
from support.operator_process import NAMESPACE, Operator, install, resource, until

RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Secret")
CONFIGURATION = "besteffort-system-besteffort"
SECRET_NAME = "besteffort-webhook"
IMAGE = "registry.example/router:1"
SURROUNDINGS = Surroundings(IMAGE, "0.1.0")
ESTABLISHED, CLOSE_WAIT = "01", "08"

pytestmark = pytest.mark.cluster


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def kubeconfig(api_server: ApiServer) -> Path:
    """Of the operator, with the rights that the chart gives it with a webhook; the Secret is there and empty."""
    (found,) = install(api_server)
    manifests = [one for one in render({"webhook": {"enabled": True}}) if one["kind"] in RIGHTS]
    for manifest in manifests:
        for subject in manifest.get("subjects", ()):
            subject["name"] = "operator"
    listed = {"apiVersion": "v1", "kind": "List", "items": manifests}
    api_server.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(listed))
    return found


def configured(port: int, **changes: Any) -> dict[str, Any]:
    """Return the chart's configuration of the webhook, to be called on this machine."""
    (found,) = [one for one in render({"webhook": {"enabled": True}}) if one["kind"] == WEBHOOKS.kind]
    (hook,) = found["webhooks"]
    hook |= {"clientConfig": {"url": f"https://127.0.0.1:{port}/inject"}, **changes}
    return found


@pytest.fixture
def port(api_server: ApiServer, kubeconfig: Path) -> Iterator[int]:
    """Where the API server looks for the webhook; nobody is there yet."""
    found = free_port()
    assert kubeconfig.exists()
    api_server.apply(configured(found))
    yield found
    api_server.kubectl("delete", "mutatingwebhookconfigurations", CONFIGURATION)


def flags(port: int) -> list[str]:
    """Return those of the chart, and a lease of this test alone."""
    kept = [f"--webhook-secret={SECRET_NAME}", f"--webhook-configuration={CONFIGURATION}"]
    return [f"--webhook=127.0.0.1:{port}", *kept, f"--router-image={IMAGE}", "--no-leader-election"]


@pytest.fixture
def operator(kubeconfig: Path, port: int, tmp_path: Path) -> Iterator[Operator]:
    with Operator(kubeconfig, tmp_path / "log", *flags(port)) as running:
        running.wait_until_logged("the webhook answers")
        yield running


@pytest_asyncio.fixture
async def cluster(api_server: ApiServer) -> AsyncIterator[Cluster]:
    async with connected(api_server.kubeconfig, "tests") as found:
        yield found


@pytest.fixture
def place(api_server: ApiServer) -> str:
    """A namespace with a service whose routers are sidecars, and one whose are not."""
    name = f"test-{secrets.token_hex(4)}"
    api_server.kubectl("create", "namespace", name)
    api_server.kubectl("create", "serviceaccount", "default", "-n", name)
    sidecars = resource("assistant", name, router={"mode": "Sidecar"})
    api_server.apply(sidecars, resource("gateway", name))
    return name


def pod(namespace: str, service: str | None, **spec: Any) -> dict[str, Any]:
    labels = {"serving.besteffort.dev/inject": service} if service else {}
    container = {"name": "client", "image": "client:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"client-{secrets.token_hex(4)}", "namespace": namespace, "labels": labels},
        "spec": {"containers": [container], "automountServiceAccountToken": False} | spec,
    }


def sidecars(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in made["spec"].get("initContainers", ()) if one.get("restartPolicy") == "Always"]


async def created(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    """Create a pod; the API server may not have heard of the webhook's authority yet."""

    async def injected() -> dict[str, Any] | None:
        manifest["metadata"]["name"] = f"client-{secrets.token_hex(4)}"
        found = await cluster.create(POD, manifest)
        return found if sidecars(found) else None

    answer: dict[str, Any] = await until(injected, "a pod to be injected")
    return answer


async def test_a_labelled_pod_comes_out_with_the_router_and_is_one_that_the_api_server_takes(
    operator: Operator, cluster: Cluster, place: str
) -> None:
    volumes = [{"name": "config", "emptyDir": {}}]
    others = [{"name": "prepare", "image": "prepare:1"}]
    made = await created(cluster, pod(place, "assistant", volumes=volumes, initContainers=others))
    router, prepare = made["spec"]["initContainers"]
    assert (router["name"], router["image"], router["restartPolicy"]) == (NAME, IMAGE, "Always")
    assert "--listen=127.0.0.1:8001" in router["args"]
    assert prepare["name"] == "prepare"
    configs = [v["configMap"]["name"] for v in made["spec"]["volumes"] if "configMap" in v]
    assert configs == ["assistant-router"]
    assert operator.exit_status is None


async def test_a_pod_without_the_label_never_comes_to_the_webhook(
    operator: Operator, cluster: Cluster, place: str
) -> None:
    await created(cluster, pod(place, "assistant"))
    made = await cluster.create(POD, pod(place, None))
    assert "initContainers" not in made["spec"]
    assert operator.exit_status is None


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("nobody", "Warning: the pod gets no router: no BestEffortService nobody in namespace"),
        ("gateway", "the pod gets no router: BestEffortService gateway has spec.router.mode Gateway, not Sidecar"),
    ],
)
async def test_a_pod_that_asks_for_what_there_is_not_is_admitted_with_a_warning(
    operator: Operator, api_server: ApiServer, cluster: Cluster, place: str, service: str, sentence: str
) -> None:
    await created(cluster, pod(place, "assistant"))
    words = ("--kubeconfig", str(api_server.kubeconfig), "create", "-o", "json", "-f", "-")
    done = await asyncio.to_thread(run, "kubectl", *words, text=json.dumps(pod(place, service)))
    assert done.returncode == 0
    assert sentence in done.stderr
    assert sidecars(json.loads(done.stdout)) == []
    assert operator.exit_status is None


async def test_the_secret_keeps_the_certificate_and_the_next_operator_shows_the_same(
    operator: Operator, kubeconfig: Path, port: int, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    await created(cluster, pod(place, "assistant"))
    kept = read_secret(await cluster.get(SECRET, NAMESPACE, SECRET_NAME))
    assert operator.stop() == 0
    with Operator(kubeconfig, tmp_path / "log", *flags(port)) as another:
        another.wait_until_logged("the webhook answers")
        await created(cluster, pod(place, "assistant"))
    assert kept is not None
    assert read_secret(await cluster.get(SECRET, NAMESPACE, SECRET_NAME)) == kept


async def test_when_no_webhook_answers_the_configuration_says_what_becomes_of_a_pod(
    api_server: ApiServer, port: int, cluster: Cluster, place: str
) -> None:
    made = await cluster.create(POD, pod(place, "assistant"))
    assert sidecars(made) == [], "Ignore: it starts without a router"
    api_server.apply(configured(port, failurePolicy="Fail"))

    async def refused() -> bool:
        try:
            await cluster.create(POD, pod(place, "assistant"))
        except ApiError as error:
            return "inject.serving.besteffort.dev" in str(error)
        return False

    assert await until(refused, "a labelled pod to be refused")
    assert (await cluster.create(POD, pod(place, None)))["kind"] == "Pod"


def is_connected(port: int) -> bool:
    """Tell whether a socket of this machine's port is open on this side, as /proc/net/tcp has it in hexadecimal."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] in (ESTABLISHED, CLOSE_WAIT) for row in rows)


@asynccontextmanager
async def running(cluster: Cluster, port: int, life: timedelta) -> AsyncIterator[Webhook]:
    """Yield a webhook in this process whose certificates live so long."""
    settings = WebhookSettings(("127.0.0.1", port), SECRET_NAME, CONFIGURATION)
    found = Webhook(cluster, Trust(cluster, NAMESPACE, settings, life=life), SURROUNDINGS, settings.address)
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait([task])
        # A TLS connection ends with an answer of the API server; the loop must live until then.
        await until(lambda: asyncio.sleep(0, not is_connected(port)), "the connections to end")


async def test_certificates_are_renewed_while_pods_are_made_and_each_gets_its_router(
    api_server: ApiServer, port: int, cluster: Cluster, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas, as the API server sees them one after the other behind one address."""
    monkeypatch.setattr(module, "LOOK_S", 0.3)
    monkeypatch.setattr(module, "SETTLE_S", 1.0)
    await cluster.replace(SECRET, await cluster.get(SECRET, NAMESPACE, SECRET_NAME) | {"data": {}})
    async with running(cluster, port, timedelta(seconds=9)):
        await created(cluster, pod(place, "assistant"))
        # Refused without the webhook, so that no failure goes unseen.
        api_server.apply(configured(port, failurePolicy="Fail"))
        seen = set()
        for _ in range(60):
            try:
                made = await cluster.create(POD, pod(place, "assistant"))
            except (InvalidError, UnavailableError) as error:
                pytest.fail(str(error))
            assert sidecars(made)
            secret = await cluster.get(SECRET, NAMESPACE, SECRET_NAME)
            seen.add(secret["data"]["tls.crt"])
            await asyncio.sleep(0.3)
    assert len(seen) >= 3


async def test_what_is_no_review_is_told_so_and_a_large_one_cut_short(
    port: int, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    async with running(cluster, port, timedelta(days=1)) as webhook:
        await until(lambda: asyncio.sleep(0, webhook._shown is not None), "a certificate")
        kept = read_secret(await cluster.get(SECRET, NAMESPACE, SECRET_NAME))
        assert kept
        trusted = ssl.create_default_context(cadata=kept.authorities.decode())
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as client:
            url = f"https://127.0.0.1:{port}/inject"
            statuses = []
            for body in (b"{", b"[]", b'{"request": {"uid": "1"}}', b"x" * 2000):
                async with client.post(url, data=body) as answer:
                    statuses.append(answer.status)
    assert statuses == [400, 400, 400, 413]
