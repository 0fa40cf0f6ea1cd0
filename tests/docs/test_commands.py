"""Each command in a console block of README or docs is run, the long ones shortened; one `up` serves all that call it.

Only what works on this machine alone is ever run: what needs a cluster belongs in sh blocks (test_cluster_pages.py).
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import signal
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.processes import running_up

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESTEFFORT = ".venv/bin/besteffort"
EXAMPLE = ".venv/bin/python examples/"
ADDRESS = "127.0.0.1:8001"
LOCAL = {"calibrate", "evaluate", "load", "policy inspect", "simulate", "train", "up", "validate"}
"""Verbs that never ask a cluster."""
SHORTER = {
    "calibrate": "--prompts few.jsonl",
    "evaluate": "--seeds 2",
    "load": "--length-s 1",
}
"""What is added to a verb's words, so that it takes seconds."""
INSTEAD = {"make demo": f"{BESTEFFORT} demo --rounds 1 --length-s 3 --out demo"}
NOT_HERE = {"make test"}
"""Would run these tests again."""


def documented() -> list[str]:
    """Return each `$ command` of a console block once, in order, continued lines joined."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
            joined = block.replace("\\\n", " ")
            found += [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]
    return list(dict.fromkeys(found))


def verb(command: str) -> str:
    """Return the verb of a `besteffort` command, of one or two words, empty for any other command."""
    program, *rest = shlex.split(command)
    return " ".join(rest[: 2 if rest[:1] == ["policy"] else 1]) if program == BESTEFFORT else ""


def is_local(command: str) -> bool:
    return command in INSTEAD or command in NOT_HERE or verb(command) in LOCAL or command.startswith(EXAMPLE)


def calls_up(command: str) -> bool:
    return ADDRESS in command or "examples/client.py" in command


COMMANDS = [command for command in documented() if is_local(command) and command not in NOT_HERE]
UPS = [command for command in COMMANDS if verb(command) == "up"]
TRAINS = [command for command in COMMANDS if verb(command) == "train"]
CALLS = [command for command in COMMANDS if calls_up(command)]
ALONE = [command for command in COMMANDS if command not in {*UPS, *TRAINS, *CALLS}]


def words_of(command: str) -> list[str]:
    """Return the words, shortened, with the files of the checkout by their whole paths."""
    shortened = INSTEAD.get(command, f"{command} {SHORTER.get(verb(command), '')}")
    return [str(ROOT / word) if "/" in word and (ROOT / word).exists() else word for word in shlex.split(shortened)]


@pytest.fixture(scope="module", autouse=True)
def without_a_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands find no cluster: none of this user's, none around this machine."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("KUBECONFIG", str(home / "none"))
        patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the checkout, so that nothing is written into the real one.

    Commands build on each other: what `calibrate` writes, `train` reads. Both files are there from the start.
    """
    found = tmp_path_factory.mktemp("checkout")
    (ROOT / ".besteffort").mkdir(exist_ok=True)
    (found / ".besteffort").symlink_to(ROOT / ".besteffort")
    shutil.copy(DEMO / "profile.yaml", found)
    shutil.copy(DEMO / "policy.safetensors", found)
    by_task = defaultdict(list)
    for line in (DEMO / "prompts.jsonl").read_text().splitlines():
        by_task[json.loads(line)["task"]].append(line)
    (found / "few.jsonl").write_text("".join(f"{line}\n" for lines in by_task.values() for line in lines[:8]))
    return found


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """The documented `up`, on free ports; its address."""
    _, _, *words = words_of(UPS[0])
    words += ["--profile", str(DEMO / "profile.yaml")]
    with running_up(folder / ".besteffort", *words, log=folder / "up.log") as up:
        yield up.address
        assert up.end(signal.SIGINT) == 0


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_documents_hold_the_commands_that_this_file_knows() -> None:
    assert {verb(command) for command in COMMANDS} >= {"up", "train", *SHORTER}
    assert {*INSTEAD, *NOT_HERE} <= set(documented())
    assert len(UPS) == 1


def test_consoles_hold_nothing_that_could_change_a_cluster() -> None:
    assert not [command for command in documented() if not is_local(command)], "write these into an sh block"


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods",
        "helm list",
        "docker ps",
        *(f"{BESTEFFORT} {rest}" for rest in ("status a", "policy promote a")),
    ],
)
def test_what_needs_a_cluster_or_another_program_is_not_run(command: str) -> None:
    assert not is_local(command)


@pytest.mark.triton
@pytest.mark.parametrize("command", ALONE)
def test_a_documented_command_works(command: str, folder: Path) -> None:
    assert run(words_of(command), folder)


@pytest.mark.parametrize("command", TRAINS)
def test_documented_training_begins_and_stops_when_told(command: str, folder: Path) -> None:
    """It takes minutes: what comes of it, the tests of training say."""
    with subprocess.Popen(words_of(command), cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            assert process.stderr.readline() == "tuning Price\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()


@pytest.mark.triton
@pytest.mark.parametrize("command", CALLS)
def test_a_documented_call_to_a_running_service_works(command: str, folder: Path, service: str) -> None:
    words = [service if word == ADDRESS else word for word in words_of(command)]
    assert run(words if service in words else [*words, service], folder)


def test_the_page_on_policies_shows_the_committed_bundle() -> None:
    bundle = ROOT / "examples/demo/policy.safetensors"
    page = "".join((ROOT / "docs/policies.md").read_text().split())
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() in page
