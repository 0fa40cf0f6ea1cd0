"""A real API server takes the Job and its pods. It runs none: that shards give what one process gives is proved with
processes, in test_executor.py.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from besteffort_study.job import ClusterRun, build_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.access import Cluster

pytestmark = pytest.mark.cluster

JOB = build_job(ClusterRun("evaluate-quick", "example.org/besteffort:1", "results", 6, ("--study", "quick")))


@pytest.fixture(scope="module")
def namespace(api_server: Cluster) -> Iterator[str]:
    name = f"study-{secrets.token_hex(4)}"
    api_server.kubectl("create", "namespace", name)
    api_server.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    api_server.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})
    yield name
    api_server.kubectl("delete", "namespace", name, "--wait=false")


def stored(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the object as the server would store it; it warns of fields that it does not know by refusing."""
    words = (
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-n",
        namespace,
        "-o",
        "json",
        "-f",
        "-",
    )
    found: dict[str, Any] = json.loads(cluster.kubectl(*words, input=json.dumps(manifest)))
    return found


def test_the_server_takes_the_job_as_it_is(api_server: Cluster, namespace: str) -> None:
    spec = stored(api_server, namespace, JOB)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 6, 6)
    assert spec["backoffLimitPerIndex"] == JOB["spec"]["backoffLimitPerIndex"]
    assert spec["template"]["spec"]["containers"][0]["command"][-1] == "$(JOB_COMPLETION_INDEX)/6"


def test_a_namespace_that_enforces_the_restricted_profile_takes_its_pods(api_server: Cluster, namespace: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shard"}, "spec": JOB["spec"]["template"]["spec"]}
    assert stored(api_server, namespace, pod)["spec"]["automountServiceAccountToken"] is False
