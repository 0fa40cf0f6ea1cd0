"""The Triton that runs on this machine: the one that the user names, else one installed in an environment of its own.

Installed once from locked, hashed requirements into HOME/triton; a stamp tells whether it is complete and current.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from besteffort_cli.errors import EnvironmentMissingError, InputError
from besteffort_cli.interpreter import find_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from besteffort_cli.interpreter import Interpreter

__all__ = ["HOME", "TritonInstallation", "find_or_install", "home_folder", "own_triton"]

REQUIREMENTS = files("besteffort_cli") / "triton-requirements.txt"
HOME = "BESTEFFORT_HOME"
"""The variable that names the folder for everything that commands keep."""
MIN_GLIBC = (2, 35)
OTHERWISE = "name your own with --triton PATH, or servers that run elsewhere with --backend SIZE=HOST:PORT."


@dataclass(frozen=True)
class TritonInstallation:
    """How a Triton is started."""

    server: Path
    """The tritonserver binary."""
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def home_folder() -> Path:
    """Return the folder for everything that commands keep: $BESTEFFORT_HOME, else .besteffort here."""
    return Path(os.environ.get(HOME) or ".besteffort").absolute()


def own_triton(path: Path) -> TritonInstallation:
    """Return the installation around a tritonserver binary, or in a folder such as /opt/tritonserver.

    Raises:
        InputError: there is no such program.
    """
    server = (path / "bin" / "tritonserver" if path.is_dir() else path).absolute()
    if not server.is_file() or not os.access(server, os.X_OK):
        raise InputError(f"--triton {path}: there is no program {server}; name the tritonserver binary.")
    backends = server.resolve().parent.parent / "backends"
    return TritonInstallation(server, (f"--backend-directory={backends}",) if backends.is_dir() else ())


def find_or_install(home: Path, say: Callable[[str], None]) -> TritonInstallation:
    """Return the embedded Triton, installed now if it is missing or of other requirements; `say` hears of progress.

    Raises:
        EnvironmentMissingError: it cannot run on this machine, or cannot be installed.
    """
    _check_machine()
    root = home / "triton"
    with _locked(home):
        stamp = _stamp(root)
        if stamp is None:
            interpreter = find_interpreter()
            say(f"Installing Triton into {root} (once: 330 MB, under a minute)")
            _install(root, interpreter, say)
            stamp = interpreter.version
            (root / "stamp").write_text(f"{_digest()} {stamp}")
    return _embedded(root, stamp)


def _stamp(root: Path) -> str | None:
    """Return the Python version of a complete and current environment that still runs, None if there is none."""
    try:
        digest, version = (root / "stamp").read_text().split()
    except (OSError, ValueError):
        return None
    # Links into the system dangle after an upgrade of its Python.
    sound = (root / "bin" / "python3").exists() and all(link.exists() for link in (root / "lib-python").iterdir())
    return version if digest == _digest() and sound else None


def _digest() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _install(root: Path, interpreter: Interpreter, say: Callable[[str], None]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    _run([str(interpreter.executable), "-m", "venv", str(root)], say)
    pip = [str(root / "bin" / "python3"), "-m", "pip"]
    with as_file(REQUIREMENTS) as file:
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--progress-bar=off", "-r", str(file)]
        _run([*pip, "install", "--disable-pip-version-check", "--no-input", *options], say)
    _lay_backend(root, interpreter)


def _run(command: list[str], say: Callable[[str], None]) -> None:
    """Run a step; pip's lines about packages go to `say`, its errors into the sentence."""
    said = []
    with subprocess.Popen(  # noqa: S603 - a command of ours
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as step:
        assert step.stdout
        for line in step.stdout:
            said.append(line.strip())
            if line.startswith("Collecting "):
                say(f"  {line.split()[1]}")
    if step.returncode:
        errors = [line for line in said if line.lower().startswith("error")] or [line for line in said if line]
        reason = errors[-1] if errors else f"exit status {step.returncode}"
        raise EnvironmentMissingError(f"Triton could not be installed ({reason}); try again, or {OTHERWISE}")


def _lay_backend(root: Path, interpreter: Interpreter) -> None:
    """Put together the Python backend's folder, and the one library that its stub lacks."""
    packages = _packages(root, interpreter.version)
    triton = packages / "pytriton" / "tritonserver"
    backend = root / "backends" / "python"
    backend.mkdir(parents=True)
    stub = triton / "python_backend_stubs" / interpreter.version / "triton_python_backend_stub"
    for source in (*(triton / "backends" / "python").iterdir(), stub):
        if source.is_file():
            shutil.copy2(source, backend)
    (root / "lib-python").mkdir()
    (root / "lib-python" / f"libpython{interpreter.version}.so.1.0").symlink_to(interpreter.library)


def _embedded(root: Path, version: str) -> TritonInstallation:
    packages = _packages(root, version)
    return TritonInstallation(
        server=packages / "pytriton" / "tritonserver" / "bin" / "tritonserver",
        flags=(f"--backend-directory={root / 'backends'}", "--allow-gpu-metrics=false"),
        environment={
            "LD_LIBRARY_PATH": f"{root / 'lib-python'}:{packages / 'nvidia_pytriton.libs'}",
            # The stub's interpreter ignores PYTHONPATH and takes the environment of the first python3 on PATH.
            "PATH": f"{root / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        },
    )


def _packages(root: Path, version: str) -> Path:
    return root / "lib" / f"python{version}" / "site-packages"


def _check_machine() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise EnvironmentMissingError(
            f"The embedded Triton is built for Linux on x86_64, not {sys.platform} on {platform.machine()}; {OTHERWISE}"
        )
    library, found = platform.libc_ver()
    if library != "glibc" or tuple(map(int, found.split(".")[:2])) < MIN_GLIBC:
        least = ".".join(map(str, MIN_GLIBC))
        raise EnvironmentMissingError(
            f"The embedded Triton needs glibc {least} or later and this system has {library} {found}; {OTHERWISE}"
        )


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Let one process install at a time; the others wait and find it there."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "triton.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
