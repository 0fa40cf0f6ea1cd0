"""`besteffort up` with real servers: it answers, it ends without a trace, and it survives the death of a server."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tritonclient.grpc

from besteffort_cli.dataset import Row, is_right, read_rows
from besteffort_cli.record import Outcome
from besteffort_cli.replay import replay
from support.processes import BESTEFFORT, alive, below, command_line, eventually, name_of, processes_with, running_up
from support.repository import write_profile, write_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from besteffort_cli.installation import TritonInstallation
    from besteffort_cli.triton import TritonServer
    from support.processes import Up

    Serve = Callable[..., AbstractContextManager[TritonServer]]

DEMO = Path(__file__).parents[3] / "examples" / "demo"
LONG = Row("long", "abcdef", "ABCDEF")

pytestmark = pytest.mark.triton


def ask(address: str, model: str, prompt: str) -> tuple[str, str]:
    """Ask as any user of Triton does; return the answer and the size that gave it."""
    text = tritonclient.grpc.InferInput("text_input", [1, 1], "BYTES")
    text.set_data_from_numpy(np.array([[prompt.encode()]], dtype=object))
    with tritonclient.grpc.InferenceServerClient(address) as client:
        answer = client.infer(model, [text], client_timeout=10)
    return answer.as_numpy("text_output")[0, 0].decode(), answer.get_response().model_name


def counted(up: Up, name: str) -> Counter[str]:
    """The values of a counter, by its labels as Prometheus writes them."""
    with urllib.request.urlopen(up.metrics_url, timeout=5) as page:
        lines = [line for line in page.read().decode().splitlines() if line.startswith(f"besteffort_router_{name}{{")]
    return Counter({line.partition("{")[2].partition("}")[0]: int(float(line.rpartition(" ")[2])) for line in lines})


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Figures for the shouting sizes, so that nothing need be measured."""
    return str(write_profile(tmp_path / "profile.yaml"))


def test_the_demo_service_answers_a_stock_client(home: Path) -> None:
    rows = read_rows(DEMO / "prompts.jsonl")[:8]
    with running_up(home, str(DEMO / "service.yaml"), "--profile", str(DEMO / "profile.yaml")) as up:
        answers = [ask(up.address, "assistant", row.prompt) for row in rows]
        assert up.end(signal.SIGINT) == 0
    assert {size for _, size in answers} <= {"small", "medium", "large"}
    assert any(is_right(row, text) for row, (text, _) in zip(rows, answers, strict=True))


def test_load_for_a_model_that_the_service_does_not_have_is_refused(home: Path, service: Path, profile: str) -> None:
    with running_up(home, str(service), "--profile", profile) as up:
        words = [BESTEFFORT, "load", up.address, "--model", "whisper", "--rate-rps", "9"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert counted(up, "requests_total").total() == 0
    assert done.returncode == 1
    assert done.stderr == (
        f"besteffort: {up.address} has no ready model 'whisper'; give the name of one that it serves.\n"
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_however_it_ends_no_process_is_left(
    home: Path, service: Path, profile: str, number: signal.Signals, code: int
) -> None:
    with running_up(home, str(service), "--profile", profile) as up:
        started = below(up.process.pid)
        assert Counter(name_of(process) for process in started)["tritonserver"] == 2
        assert Counter(name_of(process) for process in started)["triton_python_b"] == 2
        assert any("besteffort_router" in command_line(process) for process in started)
        assert up.end(number) == code
    assert eventually(lambda: not any(alive(process) for process in started))
    assert processes_with(str(home)) == []
    assert not list(Path("/dev/shm").glob(f"besteffort-{up.process.pid}-*"))


def test_while_a_killed_triton_restarts_the_others_serve_and_every_request_is_accounted_for(
    home: Path, service: Path, profile: str
) -> None:
    arrivals_s = np.arange(0.0, 3.0, 0.04).tolist()
    with running_up(home, str(service), "--profile", profile) as up:
        (large,) = [p for p in below(up.process.pid) if name_of(p) == "tritonserver" and "/large/" in command_line(p)]
        killing = threading.Timer(0.5, os.kill, (large, signal.SIGKILL))
        killing.start()
        records = replay(up.address, "shout", arrivals_s, [LONG], 1.0)
        killing.join()
        codes, ends = counted(up, "requests_total"), counted(up, "deadline_total")
        assert eventually(lambda: "Triton large is back" in up.said())
        assert eventually(lambda: ask(up.address, "shout", "abcdef") == ("abcdef=ABCDEF", "large"))
    assert "Triton large died (exit status 137); starting it again in 1 s" in up.said()
    after = [record for record in records if record.offset_s > 0.6]
    assert any(record.size == "small" and record.outcome is Outcome.IN_TIME for record in after)
    failed = [record for record in records if not record.answered]
    assert {record.reason for record in failed} <= {"unavailable", "deadline_exceeded"}
    assert len(failed) < len(records) / 10
    assert codes.total() == ends.total() == len(records)
    answered = sum(count for labels, count in codes.items() if 'code="OK"' in labels)
    assert answered == len(records) - len(failed)


def test_an_own_triton_is_used_instead_of_the_embedded_one(
    home: Path, service: Path, profile: str, triton: TritonInstallation
) -> None:
    (home / "triton").unlink()
    variables = [f"{name}={shlex.quote(value)}" for name, value in triton.environment.items()]
    own = home / "tritonserver"
    own.write_text(f'#!/bin/sh\nexec env {" ".join(variables)} {triton.server} {" ".join(triton.flags)} "$@"\n')
    own.chmod(0o755)
    with running_up(home, str(service), "--profile", profile, "--triton", str(own)) as up:
        assert ask(up.address, "shout", "ab") == ("ab=AB", "large")


def test_a_remote_triton_is_used_and_none_is_started(home: Path, serve: Serve, tmp_path: Path) -> None:
    path = write_service(tmp_path / "service.yaml", ["shout"])
    profile = write_profile(tmp_path / "profile.yaml", ["shout"])
    with serve() as server:
        words = ("--profile", str(profile), "--backend", f"shout={server.address}")
        with running_up(home, str(path), *words) as up:
            assert ask(up.address, "shout", "ab") == ("ab=AB", "shout")
            assert not any("triton" in name_of(process) for process in below(up.process.pid))
            (labels,) = counted(up, "requests_total")
            assert 'size="shout"' in labels
