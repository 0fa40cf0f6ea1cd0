from __future__ import annotations

import platform
from pathlib import Path

import pytest

from besteffort_cli import installation
from besteffort_cli.errors import EnvironmentMissingError, InputError
from besteffort_cli.installation import find_or_install, home_folder, own_triton
from besteffort_cli.interpreter import Interpreter


def complete(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay an environment as an installation leaves it, and let nothing be installed."""
    root = home / "triton"
    for folder in ("bin", "lib-python"):
        (root / folder).mkdir(parents=True)
    (root / "bin" / "python3").touch()
    (root / "stamp").write_text(f"{installation._digest()} 3.11")
    (home / "libpython").touch()
    (root / "lib-python" / "libpython3.11.so.1.0").symlink_to(home / "libpython")
    monkeypatch.setattr(installation, "_install", lambda *_: pytest.fail("installed"))
    return root


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were installed into, without doing so."""
    found: list[Path] = []
    monkeypatch.setattr(installation, "find_interpreter", lambda: Interpreter(Path("python3.12"), 12, Path("lib")))

    def install(root: Path, *_: object) -> None:
        root.mkdir(exist_ok=True)
        found.append(root)

    monkeypatch.setattr(installation, "_install", install)
    return found


def test_a_complete_environment_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = complete(tmp_path, monkeypatch)
    found = find_or_install(tmp_path, pytest.fail)
    assert found.server.is_relative_to(root / "lib" / "python3.11")
    assert found.environment["PATH"].startswith(f"{root / 'bin'}:")


def test_what_is_missing_is_installed_once_with_a_sentence(tmp_path: Path, installs: list[Path]) -> None:
    said: list[str] = []
    found = find_or_install(tmp_path, said.append)
    assert installs == [tmp_path / "triton"]
    assert said[0].startswith(f"Installing Triton into {tmp_path / 'triton'} (once")
    assert "python3.12" in str(found.server)


@pytest.mark.parametrize("break_it", ["stamp", "old", "library"])
def test_what_is_incomplete_old_or_dangling_is_installed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_it: str
) -> None:
    root = complete(tmp_path, monkeypatch)
    anew: list[Path] = []
    monkeypatch.setattr(installation, "_install", lambda root, *_: anew.append(root))
    if break_it == "stamp":
        (root / "stamp").unlink()
    elif break_it == "old":
        (root / "stamp").write_text("0123 3.11")
    else:
        (tmp_path / "libpython").unlink()
    find_or_install(tmp_path, lambda _: None)
    assert anew == [root]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("machine", "aarch64", "built for Linux on x86_64, not linux on aarch64; name your own with --triton PATH"),
        ("libc_ver", ("glibc", "2.31"), "needs glibc 2.35 or later and this system has glibc 2.31; name your own"),
        ("libc_ver", ("", ""), "needs glibc 2.35 or later"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_what_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object, sentence: str
) -> None:
    monkeypatch.setattr(platform, name, lambda: value)
    with pytest.raises(EnvironmentMissingError, match=sentence):
        find_or_install(tmp_path, lambda _: None)


def test_a_failing_step_is_told_in_its_own_words() -> None:
    command = ["sh", "-c", "echo Collecting numpy==1.26; echo ERROR: no network; exit 1"]
    said: list[str] = []
    with pytest.raises(EnvironmentMissingError, match=r"could not be installed \(ERROR: no network\); try again"):
        installation._run(command, said.append)
    assert said == ["  numpy==1.26"]


def test_an_own_triton_is_a_program_or_the_folder_around_it(tmp_path: Path) -> None:
    server = tmp_path / "bin" / "tritonserver"
    server.parent.mkdir()
    server.touch(0o755)
    (tmp_path / "backends").mkdir()
    assert own_triton(tmp_path) == own_triton(server)
    assert own_triton(server).flags == (f"--backend-directory={tmp_path / 'backends'}",)


def test_an_own_triton_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--triton .*: there is no program .*/bin/tritonserver"):
        own_triton(tmp_path)


def test_the_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTEFFORT_HOME", str(tmp_path / "elsewhere"))
    assert home_folder() == tmp_path / "elsewhere"
    monkeypatch.delenv("BESTEFFORT_HOME")
    monkeypatch.chdir(tmp_path)
    assert home_folder() == tmp_path / ".besteffort"
