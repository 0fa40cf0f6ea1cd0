from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from besteffort_cli.access import Place, find_place, live_service, reached
from besteffort_cli.errors import EnvironmentMissingError, InputError
from besteffort_operator.errors import UnauthorizedError


def kubeconfig(path: Path, *contexts: str, present: str = "", namespace: str = "") -> Path:
    inner: dict[str, Any] = {"cluster": "c", "user": "u"} | ({"namespace": namespace} if namespace else {})
    content = {"contexts": [{"name": name, "context": inner} for name in contexts], "current-context": present}
    path.write_text(yaml.safe_dump(content))
    return path


def test_what_is_left_out_comes_from_the_kubeconfig(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "test", "prod", present="test", namespace="models")
    assert find_place(path, None, None) == Place(path, "test", "models")
    assert find_place(path, "prod", "other") == Place(path, "prod", "other")


def test_a_context_without_a_namespace_means_default(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "test", present="test")
    assert find_place(path, None, None).namespace == "default"


def test_kubeconfig_in_the_environment_may_be_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kubeconfig(tmp_path / "a", "test", present="test", namespace="one")
    second = kubeconfig(tmp_path / "b", "test", "prod", present="prod", namespace="two")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(first), str(tmp_path / "none"), str(second)]))
    assert find_place(None, None, None).namespace == "one"
    assert find_place(None, "prod", None).namespace == "two"


def test_a_wrong_context_is_answered_with_those_there_are(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "test", "prod", present="test")
    with pytest.raises(InputError, match=r"^--context: context dev is not in .*config; it has test, prod\.$"):
        find_place(path, "dev", None)


def test_a_kubeconfig_that_chooses_no_context_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no context is chosen in .*; it has test"):
        find_place(kubeconfig(tmp_path / "config", "test"), None, None)


def test_without_a_kubeconfig_it_says_how_to_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"there is no file .*/\.kube/config; give the cluster's kubeconfig"):
        find_place(None, None, None)


@pytest.mark.parametrize("content", ["- a\n", "{{{\n", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(InputError, match=r"^--kubeconfig: .*config "):
        find_place(path, None, None)


@pytest.mark.parametrize("namespace", ["", "a/b", "A", "-a", "a" * 64, "a\n"])
def test_a_malformed_namespace_is_refused(namespace: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "test", present="test")
    with pytest.raises(InputError, match=r'^--namespace: ".*\n?" is no name of lower-case letters'):
        find_place(path, None, namespace)


@pytest.mark.parametrize("name", ["", "a/b", "..", "A", "a?limit=1"])
async def test_a_malformed_name_is_refused_before_anything_is_asked(name: str) -> None:
    nobody: Any = None
    with pytest.raises(InputError, match=r'^NAME: ".*" is no name of lower-case letters, digits and inner dashes;'):
        await live_service(nobody, Place(Path("x"), "c", "n"), name)


async def test_refused_credentials_are_no_missing_answer(tmp_path: Path) -> None:
    path = tmp_path / "config"
    clusters = [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}]
    contexts = [{"name": "test", "context": {"cluster": "c", "user": "u"}}]
    users: list[dict[str, Any]] = [{"name": "u", "user": {}}]
    path.write_text(yaml.safe_dump({"clusters": clusters, "contexts": contexts, "users": users}))
    with pytest.raises(InputError, match=r"context test refuses your credentials \(401\); log in again\.$"):
        async with reached(Place(path, "test", "n")):
            raise UnauthorizedError("GET /api: 401 Unauthorized")


def test_the_command_line_loads_no_client_of_a_cluster_before_it_talks_to_one() -> None:
    code = "import besteffort_cli.app, sys; print({'kopf', 'kubernetes', 'aiohttp'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_command_line_loads_nothing_that_draws_before_it_draws() -> None:
    code = "import besteffort_cli.app, sys; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_option_says_the_version_as_the_verb_does() -> None:
    code = "import besteffort_cli.app as a, sys; a.main()"
    option, verb = (
        subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=True).stdout
        for word in ("--version", "version")
    )
    assert option == verb
    assert option.startswith("besteffort ")


async def test_without_the_kubernetes_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "besteffort_operator.cluster":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EnvironmentMissingError, match=r"pip install 'besteffort\[operator\]'"):
        async with reached(Place(Path("x"), "c", "n")):
            pass
