"""What the pod of `helm test` runs, run here: it asks a real API server, and something that is ready or is not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml

from support.chart import CHART, of_kind, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster.control_plane import ApiServer

DEFINITION = "customresourcedefinition/besteffortservices.serving.besteffort.dev"


@pytest.fixture
def operator() -> Iterator[Callable[[HTTPStatus], str]]:
    """Start what answers /readyz with a status; give its address."""
    servers: list[HTTPServer] = []

    def start(status: HTTPStatus) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/readyz" else HTTPStatus.NOT_FOUND)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/readyz"

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def run(server: ApiServer, ready_url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the pod's command as a pod of the cluster would, with its account's files in a folder."""
    kubeconfig = json.loads(server.kubeconfig_for("nobody").read_text())
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]
    (folder / "ca.crt").write_bytes(base64.b64decode(authority))
    (folder / "token").write_text(kubeconfig["users"][0]["user"]["token"])
    address = urlsplit(server.url)
    here = {"KUBERNETES_SERVICE_HOST": str(address.hostname), "KUBERNETES_SERVICE_PORT": str(address.port)}
    script, url, account = of_kind(render({}), "Pod")["spec"]["containers"][0]["args"]
    assert (url, account) == (
        "http://besteffort.besteffort-system.svc:9091/readyz",
        "/var/run/secrets/kubernetes.io/serviceaccount",
    )
    command = [sys.executable, "-c", script, ready_url, str(folder)]
    return subprocess.run(command, env=os.environ | here, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def defined(server: ApiServer) -> Iterator[ApiServer]:
    server.apply(yaml.safe_load((CHART / "files" / "crd.yaml").read_text()))
    server.kubectl("wait", "--for=condition=Established", DEFINITION, "--timeout=30s")
    yield server
    server.kubectl("delete", DEFINITION)


def test_it_passes_where_the_operator_is_ready_and_the_resource_is_known(
    defined: ApiServer, operator: Callable[[HTTPStatus], str], tmp_path: Path
) -> None:
    done = run(defined, operator(HTTPStatus.OK), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the API server knows BestEffortService" in done.stdout


def test_it_fails_where_the_operator_is_not_ready(
    server: ApiServer, operator: Callable[[HTTPStatus], str], tmp_path: Path
) -> None:
    assert run(server, operator(HTTPStatus.SERVICE_UNAVAILABLE), tmp_path).returncode != 0


def test_it_fails_where_the_resource_is_not_known(
    server: ApiServer, operator: Callable[[HTTPStatus], str], tmp_path: Path
) -> None:
    done = run(server, operator(HTTPStatus.OK), tmp_path)
    assert done.returncode != 0
    assert "404" in done.stderr
