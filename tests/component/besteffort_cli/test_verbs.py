from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from besteffort_cli.calibrate import calibrate
from besteffort_cli.errors import InputError
from besteffort_cli.installation import TritonInstallation, home_folder
from besteffort_cli.triton import free_port
from besteffort_cli.up import up
from besteffort_operator.profile import load_profiles
from support.processes import processes_with
from support.repository import write_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UP = "import typer; from besteffort_cli.up import up; typer.run(up)"


def run(verb: object, *arguments: str) -> None:
    app = typer.Typer()
    app.command()(verb)  # type: ignore[type-var]
    done = CliRunner().invoke(app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception


@contextmanager
def running_up(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"BESTEFFORT_HOME": str(home)}
    command = [sys.executable, "-c", UP, *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def home(triton: TritonInstallation, tmp_path: Path) -> Path:  # noqa: ARG001 - must be there
    """A folder for runs of its own, with the Triton that is already installed."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "triton").symlink_to(home_folder() / "triton")
    return tmp_path / "home"


@pytest.mark.triton
def test_calibrate_finds_out_what_the_sizes_are(home: Path, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTEFFORT_HOME", str(home))
    run(calibrate, str(service), "--out", str(home / "profile.yaml"), "--output", "json")
    found = load_profiles(home / "profile.yaml")
    small, large = found["small"], found["large"]
    assert small.quality
    assert large.quality
    assert {task: float(share) for task, share in small.quality.by_task.items()} == {"short": 1.0, "long": 0.0}
    assert float(large.quality.default) == 1.0
    seconds = {point.batch: float(point.seconds) for point in large.latency or ()}
    assert sorted(seconds) == [1, 2, 4]
    assert 0.03 <= seconds[4] < 0.3


@pytest.mark.triton
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_measures_once_serves_and_leaves_nothing_behind(home: Path, service: Path, number: signal.Signals) -> None:
    grpc_address, metrics_address = (f"127.0.0.1:{free_port()}" for _ in range(2))
    arguments = (str(service), "--listen", grpc_address, "--metrics", metrics_address)
    with running_up(home, *arguments) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        assert f"Ready: {grpc_address} answers for model shout (sizes small, large; policy Price;" in line
        process.send_signal(number)
        assert process.wait(30) == 0
        said = process.stderr.read()
    assert "Measuring quality and latency of the sizes (once" in said
    assert list((home / "profiles").glob("shout-*.yaml"))
    assert processes_with(str(home)) == []


def test_up_says_in_one_sentence_that_a_port_is_taken(service: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=f"--listen {address}: cannot listen there .*; choose another"):
            run(up, str(service), "--listen", address)


def test_without_prompts_both_verbs_say_what_to_give(tmp_path: Path) -> None:
    path = write_service(tmp_path / "service.yaml", ["small"])
    with pytest.raises(InputError, match=r"There is no .*prompts\.jsonl .*--prompts FILE"):
        run(calibrate, str(path))


def test_an_unknown_output_is_refused(service: Path) -> None:
    with pytest.raises(InputError, match="--output yaml: choose table or json"):
        run(calibrate, str(service), "--output", "yaml")
