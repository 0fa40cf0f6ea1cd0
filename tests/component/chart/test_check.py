"""What the pod of `helm test` runs, run here: it asks something that is ready or is not."""

from __future__ import annotations

import subprocess
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from support.chart import EVERYTHING, of_kind, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def run(ready_url: str) -> subprocess.CompletedProcess[str]:
    """Run the pod's command against something here."""
    script, url = of_kind(render({}), "Pod")["spec"]["containers"][0]["args"]
    assert url == "http://besteffort.besteffort-system.svc:9091/readyz"
    command = [sys.executable, "-c", script, ready_url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_passes_where_the_operator_is_ready(operator: Callable[[HTTPStatus], str]) -> None:
    done = run(operator(HTTPStatus.OK))
    assert done.returncode == 0, done.stderr
    assert "the operator is ready" in done.stdout


def test_it_fails_where_the_operator_is_not_ready(operator: Callable[[HTTPStatus], str]) -> None:
    done = run(operator(HTTPStatus.SERVICE_UNAVAILABLE))
    assert done.returncode != 0
    assert "503" in done.stderr


def test_it_has_no_rights() -> None:
    spec = of_kind(render(EVERYTHING), "Pod")["spec"]
    assert "serviceAccountName" not in spec
    assert spec["automountServiceAccountToken"] is False
