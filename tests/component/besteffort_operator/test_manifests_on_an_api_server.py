"""A real API server takes every object of every golden service, in a namespace that enforces restricted pods."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from besteffort_operator.comparison import covers
from besteffort_operator.manifests.context import Context
from cluster.access import Cluster
from cluster.control_plane import ApiServer
from cluster.errors import CommandError
from support.manifests import CONTEXT, GOLDEN, INPUTS, name_of, of_kind, wanted_of

IMAGES = "image-volumes"
MODE = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture(scope="module")
def context(api_server: Cluster) -> Iterator[Context]:
    yield from restricted(api_server)


def restricted(cluster: Cluster) -> Iterator[Context]:
    """A namespace with the accounts that pods name: without them no pod is looked at."""
    name = f"restricted-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, MODE)
    found = replace(CONTEXT, namespace=name, available_kinds=frozenset())
    cluster.apply(
        *{name_of(m): m for path in INPUTS for m in of_kind(wanted_of(path, found), "ServiceAccount")}.values()
    )
    yield found
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def stored(cluster: Cluster, manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects as the server would store them."""
    found = json.loads(sent(cluster, manifests, "apply", "--server-side", "-o", "json"))
    items: list[dict[str, Any]] = found["items"]
    return items


def sent(cluster: Cluster, manifests: list[dict[str, Any]], *verb: str) -> str:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    return cluster.kubectl(*verb, "--dry-run=server", "--validate=strict", "-f", "-", input=text)


def pods(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pods that the Deployments would make; their classes are cluster-wide and not there."""
    found = []
    for deployment in of_kind(manifests, "Deployment"):
        template = deployment["spec"]["template"]
        spec = {k: v for k, v in template["spec"].items() if k not in ("priorityClassName", "runtimeClassName")}
        names = {key: deployment["metadata"][key] for key in ("name", "namespace")}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | names, "spec": spec})
    return found


def check(cluster: Cluster, context: Context, path: Path) -> None:
    manifests = wanted_of(path, context)
    pairs = zip(stored(cluster, manifests), manifests, strict=True)
    assert [name_of(manifest) for live, manifest in pairs if not covers(live, manifest)] == []
    created = sent(cluster, pods(manifests), "create", "-o", "name").splitlines()
    assert len(created) == len(of_kind(manifests, "Deployment"))


@pytest.mark.parametrize("path", [path for path in INPUTS if path.stem != IMAGES], ids=lambda path: path.stem)
def test_every_object_and_every_pod_is_taken_as_it_is(path: Path, api_server: Cluster, context: Context) -> None:
    check(api_server, context, path)


def test_a_pod_with_one_capability_more_is_refused(api_server: Cluster, context: Context) -> None:
    pod = pods(wanted_of(INPUTS[0], context))[0]
    pod["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = ["NET_ADMIN"]
    with pytest.raises(CommandError, match=r"violates PodSecurity .restricted"):
        sent(api_server, [pod], "create")


@pytest.fixture(scope="module")
def furnished() -> Iterator[Cluster]:
    """A server with what others may lack: volumes from images, KEDA's resources and those of Prometheus' operator."""
    with ApiServer(["--feature-gates=ImageVolume=true"]) as cluster:
        cluster.kubectl("apply", "--server-side", "-f", str(GOLDEN / "add-ons"))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield cluster


def test_image_volumes_are_taken_where_the_server_has_them(furnished: Cluster) -> None:
    (path,) = [path for path in INPUTS if path.stem == IMAGES]
    for context in restricted(furnished):
        check(furnished, context, path)


def test_objects_of_add_ons_are_taken_where_the_server_has_them(furnished: Cluster) -> None:
    for context in restricted(furnished):
        ours = replace(context, available_kinds=CONTEXT.available_kinds)
        manifests = [each for path in INPUTS for each in of_kind(wanted_of(path, ours), *CONTEXT.available_kinds)]
        assert {each["kind"] for each in manifests} == CONTEXT.available_kinds
        pairs = zip(stored(furnished, manifests), manifests, strict=True)
        assert [name_of(manifest) for live, manifest in pairs if not covers(live, manifest)] == []
