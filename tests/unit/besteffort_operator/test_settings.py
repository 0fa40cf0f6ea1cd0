"""The command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from besteffort_operator.settings import read_settings


def test_left_out_flags_have_the_values_that_help_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    text = capsys.readouterr().out
    found = read_settings([])
    assert found.metrics == ("127.0.0.1", 9091)
    assert "127.0.0.1:9091" in text
    assert found.router_image in text
    assert (found.namespaces, found.leader_election, found.resync_s) == ((), True, 600.0)
    assert "600" in text


def test_flags_are_read() -> None:
    words = [
        "--namespace",
        "a",
        "--namespace",
        "b",
        "--namespace",
        "a",
        "--metrics",
        "[::1]:0",
        "--no-leader-election",
        "--kubeconfig",
        "k",
    ]
    found = read_settings(words)
    assert found.namespaces == ("a", "b")
    assert found.metrics == ("::1", 0)
    assert not found.leader_election
    assert found.kubeconfig == Path("k")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--metrics", "9091"], "9091 is not HOST:PORT; write for instance 0.0.0.0:9091"),
        (["--metrics", "localhost:99999"], "localhost:99999 is not HOST:PORT"),
        (["--resync-s", "soon"], "soon is not a number of seconds from 1 to 86400"),
        (["--resync-s", "0"], "0 is not a number of seconds from 1 to 86400"),
        (["--namespace", "My_Models"], "argument --namespace: 'My_Models' is no name of a namespace; write lower-case"),
        (["--namespace", "a,b"], "'a,b' is no name of a namespace"),
        (["--lease-namespace", ""], "argument --lease-namespace: '' is no name of a namespace"),
        (["--log-format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_a_wrong_flag_is_named_with_the_fix(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(words)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_pod_is_known_by_its_name_across_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "besteffort-7d4")
    assert read_settings([]).identity == "besteffort-7d4"


def test_the_environment_names_a_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/config")
    assert read_settings([]).kubeconfig == Path("/home/me/config")
