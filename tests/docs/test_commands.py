"""Every command of README and docs is run, the long ones shortened; `up` runs beside those that call it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESTEFFORT = ".venv/bin/besteffort"
ADDRESS = "127.0.0.1:8001"
SHORTER = {
    "make demo": f"{BESTEFFORT} demo --rounds 1 --length-s 3 --out demo",
    "train": "--steps 30",
    "evaluate": "--seeds 2",
}


def documented() -> list[str]:
    """Return each `$ command` of a console block once, continued lines joined."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
            joined = block.replace("\\\n", " ")
            found += [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]
    return list(dict.fromkeys(found))


def shortened(command: str) -> str:
    verb = command.split()[1] if command.startswith(BESTEFFORT) else ""
    return SHORTER.get(command) or " ".join([command, SHORTER.get(verb, "")]).strip()


def calls_up(command: str) -> bool:
    return ADDRESS in command or "examples/client.py" in command


COMMANDS = documented()
ALONE = [command for command in COMMANDS if not calls_up(command) and command.split()[1] not in ("up", "test")]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run in a folder that stands for the checkout, so that nothing is written into the real one."""
    words = [str(ROOT / word) if (ROOT / word).exists() and "/" in word else word for word in shlex.split(command)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Commands of one page build on each other: what `calibrate` writes, `train` reads."""
    found = tmp_path_factory.mktemp("checkout")
    (found / ".besteffort").symlink_to(ROOT / ".besteffort")
    return found


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """`besteffort up` as documented, on free ports; yields its address."""
    (up,) = [command for command in COMMANDS if command.startswith(f"{BESTEFFORT} up ")]
    words = [str(ROOT / word) if "/" in word else word for word in shlex.split(up)]
    words += ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = re.search(r"Ready: (\S+) answers", process.stdout.readline())
        assert ready
        yield ready[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_the_documents_hold_the_commands_that_this_file_knows() -> None:
    verbs = {command.split()[1] for command in COMMANDS if command.startswith(BESTEFFORT)}
    assert verbs >= {"up", "load", "calibrate", "train", "evaluate", "simulate", "validate", "policy"}
    assert {"make demo", "make test"} <= set(COMMANDS)


@pytest.mark.triton
@pytest.mark.parametrize("command", ALONE)
def test_a_documented_command_works(command: str, folder: Path) -> None:
    done = run(shortened(command), folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.triton
@pytest.mark.parametrize("command", [command for command in COMMANDS if calls_up(command)])
def test_a_documented_call_to_a_running_service_works(command: str, folder: Path, service: str) -> None:
    address = command.replace(ADDRESS, service) if ADDRESS in command else f"{command} {service}"
    done = run(address, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
