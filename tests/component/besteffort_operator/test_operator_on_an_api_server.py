"""The operator as a process on an API server that lacks something, stands still, or goes away."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from besteffort_operator.cluster import Cluster, connected
from besteffort_operator.kinds import DEPLOYMENT, LEASE, OPTIONAL_KINDS, SERVICE
from cluster import binaries
from cluster.control_plane import ApiServer
from cluster.errors import MissingProgramError
from support.operator_process import LEASE_NAME, NAMESPACE, Operator, add_on, install, resource, until, wait_for

CRD = "customresourcedefinition/besteffortservices.serving.besteffort.dev"
MONITOR = next(kind for kind in OPTIONAL_KINDS if kind.kind == "PodMonitor")


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """An API server of these tests alone: they stop it."""
    try:
        for program in ("etcd", "kube-apiserver", "kubectl"):
            binaries.path(program)
    except MissingProgramError as missing:
        pytest.skip(str(missing))
    with ApiServer() as found:
        yield found


@pytest_asyncio.fixture
async def cluster(server: ApiServer) -> AsyncIterator[Cluster]:
    async with connected(server.kubeconfig, "tests") as found:
        yield found


@pytest.fixture
def place(server: ApiServer) -> str:
    """A namespace of this test alone."""
    name = f"test-{secrets.token_hex(4)}"
    server.kubectl("create", "namespace", name)
    return name


async def made(cluster: Cluster, namespace: str, name: str) -> None:
    """Apply a service, and wait until its last child is there."""
    await cluster.apply(SERVICE, resource(name, namespace), manager="tests")

    async def there() -> bool:
        found = await cluster.list(DEPLOYMENT, namespace)
        return any(deployment["metadata"]["name"] == f"{name}-router" for deployment in found)

    await until(there, f"the Deployments of {name}")


async def test_without_its_definition_the_operator_waits_and_says_so(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    server.kubectl("delete", CRD)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        operator.wait_until_logged("waiting for the definition of besteffortservices.serving.besteffort.dev")
        install(server)
        await made(cluster, place, "first")
        assert operator.page("/readyz") == "ok\n"
        assert operator.stop() == 0


async def test_a_definition_that_is_taken_away_is_waited_for_again(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        await made(cluster, place, "first")
        server.kubectl("delete", CRD)
        operator.wait_until_logged("waiting for the definition of besteffortservices.serving.besteffort.dev")
        install(server)
        await made(cluster, place, "second")
        assert operator.exit_status is None


async def test_an_add_on_that_comes_later_is_used(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    server.kubectl("delete", "crd", f"{MONITOR.plural}.{MONITOR.group}", "--ignore-not-found")
    with Operator(kubeconfig, tmp_path / "log"):
        await made(cluster, place, "first")
        server.apply(add_on(MONITOR))

        async def there() -> bool:
            return bool(await cluster.list(MONITOR, place))

        await until(there, "a PodMonitor", timeout_s=150)


@pytest.mark.parametrize("levels", [1_100, 9_900])
async def test_one_service_as_deep_as_the_api_server_takes_it_does_not_blind_the_operator_to_others(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path, levels: int
) -> None:
    (kubeconfig,) = install(server)
    deep = '{"a": ' * levels + "1" + "}" * levels
    text = json.dumps(resource("deep", place, triton={"podTemplate": {"spec": "DEEP"}})).replace('"DEEP"', deep)
    server.kubectl("create", "--validate=false", "-f", "-", input=text)
    try:
        with Operator(kubeconfig, tmp_path / "log") as operator:
            await made(cluster, place, "first")
            server.kubectl("label", "besteffortservice", "deep", "-n", place, "touched=yes")
            await made(cluster, place, "second")
            assert operator.exit_status is None
            assert not [message for message in operator.messages() if "watching failed" in message]
    finally:
        server.kubectl("delete", "besteffortservice", "deep", "-n", place)


async def test_an_add_on_that_it_may_not_touch_does_not_stop_the_rest(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    server.apply(add_on(MONITOR))
    without_right(server, MONITOR.plural)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        operator.wait_until_logged("may not list podmonitors")
        await made(cluster, place, "first")
        assert not await cluster.list(MONITOR, place)


async def test_a_leader_that_cannot_renew_ends_and_the_next_one_acts(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        await made(cluster, place, "first")
        with server.paused():
            wait_for(lambda: operator.exit_status, "the operator to end")
        assert operator.exit_status == 1
        assert "was not renewed in time" in operator.messages()[-1]
    with Operator(kubeconfig, tmp_path / "log"):
        await made(cluster, place, "second")


async def test_a_leader_whose_lease_another_holds_writes_no_more(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        await made(cluster, place, "first")
        identity = {"namespace": NAMESPACE, "name": LEASE_NAME}
        lease = await cluster.merge(LEASE, {"metadata": identity, "spec": {"holderIdentity": "another"}})
        operator.wait_until_logged("is another's")
        ended_at = datetime.now(UTC)
        await cluster.apply(SERVICE, resource("second", place), manager="tests")
        wait_for(lambda: operator.exit_status, "the operator to end", timeout_s=5.0)
        assert operator.exit_status == 1
        await cluster.delete(LEASE, lease)
    late = [call for call in server.calls() if call.user.endswith(":operator") and call.writes and call.at > ended_at]
    assert late == []


async def test_without_a_lease_it_waits_for_an_api_server_that_went_away(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    with Operator(kubeconfig, tmp_path / "log", "--no-leader-election") as operator:
        await made(cluster, place, "first")
        server.stop_api()
        await asyncio.sleep(3)
        server.start_api()
        await made(cluster, place, "second")
        assert operator.exit_status is None


async def test_who_stops_in_order_gives_the_lease_back(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    with Operator(kubeconfig, tmp_path / "log") as operator:
        await made(cluster, place, "first")
        assert operator.stop() == 0
    lease = await cluster.get(LEASE, NAMESPACE, LEASE_NAME)
    assert not lease["spec"].get("holderIdentity")


async def test_in_a_namespace_of_its_own_it_leaves_others_alone(
    server: ApiServer, cluster: Cluster, place: str, tmp_path: Path
) -> None:
    (kubeconfig,) = install(server)
    server.kubectl("create", "namespace", "elsewhere")
    await cluster.apply(SERVICE, resource("foreign", "elsewhere"), manager="tests")
    with Operator(kubeconfig, tmp_path / "log", "--namespace", place, "--resync-s", "1"):
        await made(cluster, place, "first")
        assert not await cluster.list(DEPLOYMENT, "elsewhere")
        assert "status" not in await cluster.get(SERVICE, "elsewhere", "foreign")


def without_right(server: ApiServer, plural: str) -> None:
    """Take the right to a kind from the operator's role."""
    roles: list[dict[str, Any]] = server.get("clusterroles")["items"]
    for role in roles:
        rules = [rule for rule in role.get("rules") or () if plural not in rule.get("resources", ())]
        if rules != (role.get("rules") or []) and "besteffort" in role["metadata"]["name"]:
            server.kubectl(
                "patch", "clusterrole", role["metadata"]["name"], "--type=merge", "-p", json.dumps({"rules": rules})
            )
