"""Where the programs of a cluster come from."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cluster import binaries
from cluster.errors import MissingProgramError

GO = """#!/bin/sh
[ -e {folder}/broken ] && { echo chatter >&2; echo "module lookup disabled" >&2; exit 1; }
echo built >> {folder}/builds
while [ "$1" != -o ]; do shift; done
echo > "$2"
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder on PATH, and the user's cache: nothing is there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def go(folder: Path) -> None:
    program(folder / "go", GO.replace("{folder}", str(folder)))


def test_what_is_nowhere_and_cannot_be_built_is_one_sentence(folder: Path) -> None:
    with pytest.raises(MissingProgramError) as missing:
        binaries.path("kube-apiserver")
    assert str(missing.value) == (
        "kube-apiserver v1.34.1 is not here and cannot be built without Go: install Go 1.26 or later, "
        "or set KUBEBUILDER_ASSETS to a folder that holds kube-apiserver."
    )
    assert list(folder.iterdir()) == []


def test_a_program_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(
        MissingProgramError, match=r"minikube is none of the cluster's programs: etcd, kube-apiserver, "
    ):
        binaries.path("minikube")


def test_a_build_that_fails_is_one_sentence_with_its_last_line(folder: Path) -> None:
    go(folder)
    (folder / "broken").touch()
    with pytest.raises(MissingProgramError) as missing:
        binaries.path("etcd")
    assert str(missing.value) == (
        "etcd v3.6.5 could not be built (module lookup disabled): let Go reach its module proxy, "
        "or set KUBEBUILDER_ASSETS to a folder that holds etcd."
    )


def test_a_folder_that_the_user_names_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(folder)
    binaries.path("etcd")
    named = program(folder / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(named.parent))
    assert binaries.path("etcd") == named
    assert binaries.path("helm").parent != named.parent, "it is not in that folder"


def test_setup_envtest_is_asked_before_anything_is_built(folder: Path) -> None:
    go(folder)
    brought = program(folder / "envtest" / "etcd")
    program(folder / "setup-envtest", f'#!/bin/sh\n[ "$2" = 1.34.1 ] && echo {brought.parent}\n')
    assert binaries.path("etcd") == brought


def test_users_who_come_at_once_share_one_build(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go(folder)
    threads = [threading.Thread(target=binaries.path, args=["helm"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folder / "builds").read_text() == "built\n"
    assert binaries.path("helm") == folder / "besteffort" / "bin" / f"helm-{binaries.PROGRAMS['helm'].version}"
    assert "building helm v3" in capsys.readouterr().err


def test_without_go_a_program_on_the_path_must_do(folder: Path) -> None:
    there = program(folder / "kubectl")
    assert binaries.path("kubectl") == there


@pytest.mark.parametrize("program", binaries.PROGRAMS.values(), ids=lambda program: program.name)
def test_a_program_is_pinned_with_checksums(program: binaries.Program) -> None:
    folder = binaries.MODULES / program.folder
    source = "".join(path.read_text() for path in folder.rglob("*.go"))
    imported = f'"{program.module}/' if program.main else f'"{program.package}"'
    assert imported in source, "an import keeps it in go.mod"
    assert f" {program.version} h1:" in (folder / "go.sum").read_text()
