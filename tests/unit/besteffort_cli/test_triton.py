from __future__ import annotations

import socket
from pathlib import Path

import pytest

from besteffort_cli.errors import InputError
from besteffort_cli.installation import TritonInstallation
from besteffort_cli.triton import TritonServer, free_port, telling_line
from support.repository import write_model

FAILED = r"""
W1121 12:00:01.000000 7 pinned_memory_manager.cc:273] "Unable to allocate pinned system memory"
E1121 12:00:02.000000 7 model_lifecycle.cc:642] "failed to load 'large' version 1: Internal: SyntaxError\n\nAt:\n  x.py"
E1121 12:00:02.100000 7 other.cc:1] "failed to stop"
error: creating server: Internal - failed to load all models
"""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (FAILED, "failed to load 'large' version 1: Internal: SyntaxError"),
        ('E1121 12:00:02.1 7 main.cc:1] "failed to listen"\nnoise\n', "failed to listen"),
        ("cannot open shared object\n\n", "cannot open shared object"),
        ("", "it said nothing"),
    ],
)
def test_the_line_that_says_most_is_found_in_a_log(log: str, said: str) -> None:
    assert telling_line(log) == said


def test_a_free_port_can_be_listened_on_and_is_no_port_of_outgoing_connections() -> None:
    port = free_port()
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < port < lowest
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_repository_holds_the_wanted_models_with_links_resolved(tmp_path: Path) -> None:
    small = write_model(tmp_path / "models", "small")
    write_model(tmp_path / "models", "unwanted")
    (small / "1" / "model.onnx").symlink_to(tmp_path / "weights")
    (tmp_path / "weights").write_text("weights")
    (small / "1" / "__pycache__").mkdir()
    run = tmp_path / "run"
    run.mkdir()
    TritonServer("b", TritonInstallation(Path("triton")), {"small": small}, folder=run)
    assert [path.name for path in (run / "models").iterdir()] == ["small"]
    copied = run / "models" / "small" / "1"
    assert sorted(path.name for path in copied.iterdir()) == ["model.onnx", "model.py"]
    assert not (copied / "model.onnx").is_symlink()
    assert (copied / "model.onnx").read_text() == "weights"


def test_a_link_to_nothing_among_the_models_is_named(tmp_path: Path) -> None:
    small = write_model(tmp_path / "models", "small")
    (small / "1" / "model.onnx").symlink_to(tmp_path / "gone")
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match=r"small/1/model\.onnx cannot be read; is it a link to nothing\?"):
        TritonServer("b", TritonInstallation(Path("triton")), {"small": small}, folder=tmp_path / "run")
