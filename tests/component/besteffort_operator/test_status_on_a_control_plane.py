"""What people see of a service on a real control plane: why it is not ready, rollouts size by size, autoscaling.

Pods run in name only there; routers are a status page on loopback, to which the routers' pod addresses are bent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from support.command import Commands, Done
from support.operator_process import Operator, install, measured, resource, wait_for

ADDRESS = "127.0.0.77"
BROKEN = {"metadata": {"annotations": {"test/waiting": "ImagePullBackOff"}}}
SLOW = {"metadata": {"annotations": {"test/ready-after": "1s"}}}
DEDICATED = {"mode": "Dedicated"}


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    (kubeconfig,) = install(control_plane)
    with Operator(kubeconfig, tmp_path_factory.mktemp("operator") / "log") as running:
        running.wait_until_logged("leads")
        yield running


@pytest.fixture(scope="module")
def commands(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    environment = {"KUBECONFIG": str(control_plane.kubeconfig), "COLUMNS": "200", "PATH": ""}
    with Commands(tmp_path_factory.mktemp("commands"), environment) as running:
        yield running


class Bench:
    """A service in a namespace of its own, seen as a user sees it."""

    def __init__(self, plane: ControlPlane, namespace: str, commands: Commands) -> None:
        self.plane = plane
        self.namespace = namespace
        self._commands = commands

    def apply(self, **spec: Any) -> None:
        self.plane.apply(resource("assistant", self.namespace, **spec))

    def status(self) -> dict[str, Any]:
        """Return the status once the operator has seen the present version; empty before."""
        found = self.plane.get("bes", "assistant", "-n", self.namespace)
        status: dict[str, Any] = found.get("status", {})
        return status if status.get("observedGeneration") == found["metadata"]["generation"] else {}

    def until(self, kind: str, status: str, reason: str, words: str = "") -> str:
        """Wait for a condition whose message has some words; return the message."""

        def found() -> str | None:
            for condition in self.status().get("conditions", ()):
                wanted = (condition["type"], condition["status"], condition["reason"]) == (kind, status, reason)
                if wanted and words in condition["message"]:
                    return str(condition["message"])
            return None

        return wait_for(found, f"{kind} to be {status} for {reason} {words}", 60.0)

    def deployments(self) -> dict[str, dict[str, Any]]:
        listed = self.plane.get("deployments", "-n", self.namespace, "-l", "app.kubernetes.io/component=triton")
        return {found["metadata"]["name"]: found for found in listed["items"]}

    def images(self) -> dict[str, str]:
        return {
            name: found["spec"]["template"]["spec"]["containers"][0]["image"]
            for name, found in self.deployments().items()
        }

    def run(self, *words: str) -> Done:
        return self._commands.run(*words, "-n", self.namespace)


@pytest.fixture
def bench(control_plane: ControlPlane, operator: Operator, namespace: str, commands: Commands) -> Bench:
    assert operator.exit_status is None
    return Bench(control_plane, namespace, commands)


def test_too_few_gpus_are_said_in_the_schedulers_words_and_the_rest_serves(bench: Bench) -> None:
    small, large = measured("small", "large")
    bench.apply(placement=DEDICATED, sizes=[small, large | {"gpu": {"count": 16}}])
    bench.until("Ready", "True", "Available")
    message = bench.until("Degraded", "True", "Unschedulable")
    assert "size large, 0 of 1 ready: pod assistant-triton-large-" in message
    assert "Insufficient nvidia.com/gpu" in message
    done = bench.run("status", "assistant")
    assert "Unschedulable: No node takes the pod" in done.out
    assert "Do: Free or add GPUs" in done.out
    assert "Insufficient nvidia.com/gpu" in done.out
    assert "FailedScheduling Pod/assistant-triton-large-" in done.out


def test_a_service_that_cannot_start_is_not_ready_and_says_why(bench: Bench) -> None:
    bench.apply(triton={"podTemplate": BROKEN})
    bench.until("Ready", "False", "ImagePullFailed")
    done = bench.run("status", "assistant")
    assert done.code == 1
    assert "is not ready: sizes small, large, 0 of 1 ready" in done.out
    assert (
        json.loads(bench.run("status", "assistant", "--output", "json").out)["advice"][0]["reason"] == "ImagePullFailed"
    )
    bench.apply()
    bench.until("Ready", "True", "Available")
    assert bench.run("status", "assistant").code == 0


def test_a_change_rolls_one_size_after_the_other(bench: Bench) -> None:
    bench.apply(placement=DEDICATED, sizes=measured("a", "b", "c"), triton={"podTemplate": SLOW, "image": "triton:1"})
    bench.until("Ready", "True", "Available")
    bench.until("Progressing", "False", "Settled")
    bench.apply(placement=DEDICATED, sizes=measured("a", "b", "c"), triton={"podTemplate": SLOW, "image": "triton:2"})
    seen = []

    def changed() -> bool | None:
        images = bench.images()
        state = bench.deployments()
        new = sorted(name for name, image in images.items() if image == "triton:2")
        seen.append(new)
        down = [name for name, found in state.items() if not found["status"].get("readyReplicas")]
        assert len(down) <= 1
        return True if len(new) == 3 else None

    wait_for(changed, "all sizes to change", 60.0)
    assert [len(new) for new in seen] == sorted(len(new) for new in seen)
    assert {len(new) for new in seen} >= {1, 2, 3}
    bench.until("Progressing", "False", "Settled")


def test_a_change_that_breaks_stays_with_its_size_and_can_be_mended(bench: Bench) -> None:
    sizes = measured("a", "b")
    bench.apply(placement=DEDICATED, sizes=sizes, triton={"image": "triton:1"})
    bench.until("Progressing", "False", "Settled")
    bench.apply(placement=DEDICATED, sizes=sizes, triton={"image": "triton:broken", "podTemplate": BROKEN})
    bench.until("Degraded", "True", "ImagePullFailed", "size a, 0 of 1 ready")
    assert bench.images() == {"assistant-triton-a": "triton:broken", "assistant-triton-b": "triton:1"}
    bench.until("Ready", "True", "Available", "1 of 2 sizes answer (b)")
    done = bench.run("status", "assistant")
    assert "keeps its former version until assistant-triton-a has taken the change and answers" in done.out
    bench.apply(placement=DEDICATED, sizes=sizes, triton={"image": "triton:2"})
    bench.until("Progressing", "False", "Settled")
    assert bench.images() == {"assistant-triton-a": "triton:2", "assistant-triton-b": "triton:2"}


class Page(BaseHTTPRequestHandler):
    """A router's status."""

    backlog_s = 0.0

    def do_GET(self) -> None:
        backend = {"size": "small", "replica": "a", "ready": True, "backlogS": type(self).backlog_s}
        policy = {"kind": "Learned", "mode": "Enforce", "loadedAtS": 1_700_000_000}
        body = json.dumps({"policy": policy, "backends": [backend], "rateRps": 1}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def routers_of(bench: Bench) -> Iterator[type[Page]]:
    """Serve a status page, and let the pods of the routers seem to be there."""
    server = ThreadingHTTPServer((ADDRESS, 9090), Page)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        label = "serving.besteffort.dev/role=router"
        for pod in bench.plane.get("pods", "-n", bench.namespace, "-l", label)["items"]:
            patch = json.dumps({"status": {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}})
            where = ("pod", pod["metadata"]["name"], "-n", bench.namespace)
            bench.plane.kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", patch)
        yield Page
    finally:
        server.shutdown()
        server.server_close()


def test_servers_follow_the_backlog_that_routers_report(bench: Bench) -> None:
    scaling = {"maxReplicas": 4, "target": {"backlog": "100ms"}, "scaleDownDelay": "5s"}
    bench.apply(placement={"scaling": scaling})
    bench.until("Ready", "True", "Available")
    bench.until("ScalingReady", "Unknown", "NoBacklogKnown")
    with routers_of(bench) as page:
        page.backlog_s = 0.19
        bench.until("ScalingReady", "True", "Scaling")
        wait_for(lambda: bench.status()["scaling"][0]["replicas"] == 2 or None, "two servers")
        bench.until("PolicyLoaded", "True", "Loaded")
        assert bench.status()["policy"]["routers"] == "1/1"
        page.backlog_s = 0.0
        wait_for(lambda: bench.status()["scaling"][0]["wanted"] == 1 or None, "one server")
        done = bench.run("status", "assistant")
        assert "Policy Learned in mode Enforce on 1/1 routers" in done.out
