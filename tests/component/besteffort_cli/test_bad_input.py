"""Whatever is wrong, the command says it in one sentence with the field or file and the fix, and ends at once."""

from __future__ import annotations

import dataclasses
import os
import pickle
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save

from besteffort_core.bundle import bundle_to_bytes
from support.bundles import random_bundle, random_dqn, random_scorer
from support.command import Commands
from support.processes import BESTEFFORT
from support.repository import write_model, write_profile, write_prompts, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = "127.0.0.1:1"
UP = ("up", "service.yaml", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
LOAD = ("load", NOBODY, "--model", "shout")
SMALL = "{name: small, model:"

SERVICES = {
    "spec:\n": {
        "spec:\n  colour: red\n": r"service\.yaml: spec\.colour: unknown field; known here: modelName, deadline, .*",
        "spec:\n  deadline: {default: 3 parsecs}\n": r".*deadline\.default: \"3 parsecs\" .* write it like 300ms.*",
        "spec:\n  deadline: {default: 300}\n": r".*deadline\.default: 300 .* with the unit ms, s or m; write it .*",
        "spec:\n  deadline: {default: -5ms}\n": r".*spec\.deadline\.default: \"-5ms\" is not a duration .*",
        "spec:\n  policy: {kind: Static, staticSize: huge}\n": r".*policy\.staticSize: huge is not .* small, large",
        "spec: {{{\n": r"service\.yaml: line \d+, column \d+: .*; check indentation, colons and quotes",
    },
    "mode: Dedicated": {
        "modes: Dedicated": r"service\.yaml: spec\.placement\.modes: unknown field; did you mean mode\?"
    },
    SMALL: {
        "{name: small, quality: {default: '0.4', byTask: {poetry: '1'}}, model:": (
            r".*spec\.sizes\[0\]\.quality\.byTask\.poetry: not in spec\.tasks; known here: short, long"
        )
    },
    "uri: ./models": {
        "uri: ./none": r"spec\.sizes\[0\]\.model\.repository: there is no .*/none/small/config\.pbtxt; name the .*"
    },
}
SERVICE_CASES = [(old, new, said) for old, cases in SERVICES.items() for new, said in cases.items()]

OPTIONS = {
    ("--models", "none"): r".*there is no .*/none/small/config\.pbtxt; name the folder .*--models DIR\.",
    ("--prompts", "none.jsonl"): r"There is no none\.jsonl to measure .*; give one with --prompts FILE\.",
    ("--prompts", "trace.csv"): r"trace\.csv, line 1: not JSON; write one object with task, prompt, answer\.",
    ("--profile", "none.yaml"): r"none\.yaml cannot be read \(No such file or directory\); check the path",
    ("--profile", "void"): r"void: the file is empty; write a block of name: value lines into it",
    ("--listen", "8001"): r"--listen 8001: write HOST:PORT\.",
    (
        "--listen",
        "127.0.0.1:99999",
    ): r"--listen 127\.0\.0\.1:99999: cannot listen there \(.*0-65535\); choose another\.",
    ("--triton", "/nonexistent"): r"--triton /nonexistent: there is no program /nonexistent; name the tritonserver .*",
    ("--triton", "/bin/false", "--profile", "profile.yaml"): (
        r"Triton small did not start: it said nothing \(/bin/false ended with exit status 1; log: \S+\)\."
    ),
    ("--cores", "all"): r"--cores all: give numbers out of [\d,]+\.",
    ("--cores", "9999"): r"--cores 9999: give numbers out of [\d,]+\.",
    ("--backend", "tiny=127.0.0.1:1"): r"--backend tiny=127\.0\.0\.1:1: write SIZE=HOST:PORT .* one of small, large\.",
    ("--backend", "small=127.0.0.1"): r"--backend small=127\.0\.0\.1: write SIZE=HOST:PORT .* one of small, large\.",
    ("--backend", f"small={NOBODY}"): r"--backend small=127.*: no Triton with the model small is ready there; start .*",
    ("--port", "1"): r"No such option: --port .*; besteffort up -h explains\.",
}

BUNDLES = {
    "truncated": r"not a whole safetensors file .*; export it again",
    "pickle": r"not a whole safetensors file .*; export it again",
    "nan": r"tensor price holds NaN or infinity; train it again",
    "foreign": r"no header of format besteffort\.policy/2; is this a policy made by `besteffort train`\?",
    "layout": r"made for another layout of what it sees; train it again with this version",
    "large": r"209715200 bytes, more than the \d+ allowed; is this the right file\?",
}
ONE_ROUND = ("--rounds", "1", "--length-s", "3")
OTHERS = {
    ("serve",): r"No such command 'serve'; besteffort -h explains\.",
    ("up", "none.yaml"): r"none\.yaml cannot be read \(No such file or directory\); check the path",
    ("policy", "inspect", "none"): r"none cannot be read \(No such file or directory\); give the path of a policy .*",
    ("policy", "inspect", "."): r"\. cannot be read \(Is a directory\); give the path of a policy bundle\.",
    ("demo", "--service", "none.yaml"): r"--service none\.yaml: there is no such file; .* name a service\.",
    (
        "demo",
        "--service",
        "service.yaml",
        "--trace",
        "trace.csv",
    ): r"trace\.csv, line 3, column ContextTokens: 'x' is .*",
    (*LOAD, "--rate-rps", "9"): r"No inference server answers at 127\.0\.0\.1:1; start it or give another ADDRESS\.",
    (*LOAD, "--trace", "trace.csv"): r"trace\.csv, line 3, column ContextTokens: 'x' is not a whole number of tokens\.",
    (
        *LOAD,
        "--trace",
        "none.csv",
    ): r"none\.csv cannot be read \(No such file or directory\); give the path of a trace\.",
    (*LOAD, "--rate-rps", "9", "--deadline-ms", "-5"): r"Invalid value for '--deadline-ms': .* or equal to 1; .*",
    (*LOAD, "--rate-rps", "9", "--deadline-ms", "inf"): r"Invalid value for '--deadline-ms': .* equal to 86400000; .*",
    (*LOAD, "--rate-rps", "9", "--seed", "-1"): r"Invalid value for '--seed': .* or equal to 0; .*",
    (*LOAD, "--rate-rps", "9", "--html"): r"--html needs --out: give the folder that load\.html shall be written to\.",
    (*LOAD, "--rate-rps", "9", "--out", "void/x"): r"--out: void/x cannot be written \(Not a directory\); .*",
    ("calibrate", "service.yaml", "--out", "void/x/y"): r"--out: void/x cannot be written \(Not a directory\); .*",
    ("calibrate", "service.yaml", "--out", "models"): r"--out models: this is a folder; name a file in it\.",
    ("train", "--service", "service.yaml", "--profile", "profile.yaml", "--out", "void/x"): (
        r"--out: void cannot be written \((Not a directory|File exists)\); .*"
    ),
    ("simulate", "--service", "service.yaml", "--profile", "wrong.yaml"): (
        r"Quality is 0 for all sizes and tasks: no answer is worth anything; measure it, or write it\."
    ),
    LOAD: r"Nothing says when requests come: give --trace FILE or --rate-rps RATE\.",
    ("load", NOBODY, "--rate-rps", "9"): r"Missing option '--model'; besteffort load -h explains\.",
    ("calibrate", "service.yaml", "--output", "yaml"): r"Invalid value for '--output': .* 'table', 'json'; .*",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good service with models, profile and prompts, and files that are no good."""
    found = tmp_path_factory.mktemp("folder")
    for size in ("small", "large"):
        write_model(found / "models", size)
    write_service(found / "service.yaml", ["small", "large"])
    write_prompts(found / "prompts.jsonl")
    profile = write_profile(found / "profile.yaml").read_text()
    (found / "wrong.yaml").write_text(re.sub(r'"default": "[^"]*"', '"default": "0"', profile))
    (found / "void").touch()
    (found / "trace.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\n2023-11-16 18:17:04,x,1\n"
    )
    _write_bundles(found)
    return found


def _write_bundles(folder: Path) -> None:
    bundle = random_bundle()
    good = bundle_to_bytes(bundle)
    spoilt = dataclasses.replace(bundle, price=np.full(4, np.nan))
    contents = {
        "truncated": good[: len(good) // 2],
        "pickle": pickle.dumps({"w1": [1.0]}),
        "nan": bundle_to_bytes(spoilt),
        "foreign": save({"w1": np.zeros(3)}),
        "layout": re.sub(rb'(\\"hash\\": \\")..', rb"\1zz", good),
        "large": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    os.truncate(folder / "large", 200 * 1024 * 1024)


@pytest.fixture(scope="module")
def commands(folder: Path) -> Iterator[Commands]:
    with Commands(folder, os.environ | {"BESTEFFORT_HOME": str(folder / "home")}) as found:
        yield found


def refuse(commands: Commands, words: tuple[str, ...], sentence: str) -> None:
    """Assert that a command ends at once, with one sentence."""
    done = commands.run(*words)
    assert re.fullmatch(f"besteffort: {sentence}\n", done.err), done.err
    assert done.code in (1, 2)
    assert done.out == ""


@pytest.mark.parametrize(("old", "new", "sentence"), SERVICE_CASES, ids=[new for _, new, _ in SERVICE_CASES])
def test_a_fault_in_the_resource_is_named(commands: Commands, folder: Path, old: str, new: str, sentence: str) -> None:
    good = (folder / "service.yaml").read_text()
    assert old in good
    (folder / "service.yaml").write_text(good.replace(old, new, 1))
    try:
        refuse(commands, UP, sentence)
    finally:
        (folder / "service.yaml").write_text(good)


@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_an_option_that_will_not_do_is_named(commands: Commands, words: tuple[str, ...]) -> None:
    refuse(commands, (*UP, *words), OPTIONS[words])


def test_a_home_that_cannot_be_written_is_named(folder: Path) -> None:
    with Commands(folder, os.environ | {"BESTEFFORT_HOME": "/dev/null/home"}) as commands:
        sentence = r"BESTEFFORT_HOME: /dev/null/home cannot be written \(Not a directory\); give another folder\."
        refuse(commands, UP, sentence)


@pytest.mark.parametrize("option", ["--listen", "--metrics"])
def test_a_port_in_use_is_named(commands: Commands, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        sentence = rf"{option} {address}: cannot listen there \(Address already in use\); choose another\."
        refuse(commands, (*UP, option, address), sentence)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_is_none_is_refused_by_every_verb(commands: Commands, folder: Path, name: str) -> None:
    write_service(
        folder / "with.yaml", ["small", "large"], more=f"  policy: {{kind: Learned, bundle: {{path: {name}}}}}\n"
    )
    refuse(commands, ("up", "with.yaml", *UP[2:]), f".*/{name}: {BUNDLES[name]}")
    refuse(commands, ("demo", "--service", "with.yaml", *ONE_ROUND), f".*/{name}: {BUNDLES[name]}")
    refuse(commands, ("policy", "inspect", name), f".*: {BUNDLES[name]}")


def test_a_network_for_other_sizes_or_another_kind_is_refused(commands: Commands, folder: Path) -> None:
    write_service(folder / "with.yaml", ["small", "large"], more="  policy: {kind: DQN, bundle: {path: other}}\n")
    sizes = r"policy bundle: trained for sizes small, medium, large, but the service has small, large; train it .*"
    kinds = r"policy bundle: it is for kind Learned, but policy\.kind is DQN; name another bundle"
    for network, sentence in ((random_dqn(), sizes), (random_scorer(), kinds)):
        (folder / "other").write_bytes(bundle_to_bytes(random_bundle(network=network)))
        refuse(commands, ("up", "with.yaml", *UP[2:]), sentence)


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_wrong_command_says_what_is_wrong(commands: Commands, words: tuple[str, ...]) -> None:
    refuse(commands, words, OTHERS[words])


def test_the_installed_script_refuses_alike(folder: Path) -> None:
    for words, code in ((("serve",), 2), (("up", "none.yaml"), 1)):
        done = subprocess.run([BESTEFFORT, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert re.fullmatch(f"besteffort: {OTHERS[words]}\n", done.stderr)


def test_several_faults_of_a_resource_are_told_at_once_a_line_each(commands: Commands, folder: Path) -> None:
    shutil.copy(folder / "service.yaml", folder / "faults.yaml")
    text = (folder / "service.yaml").read_text().replace("spec:\n", "spec:\n  colour: red\n  size: 3\n")
    (folder / "faults.yaml").write_text(text)
    done = commands.run("up", "faults.yaml", *UP[2:])
    assert done.code == 1
    assert [line.split(": unknown")[0] for line in done.err.splitlines()] == [
        "besteffort: faults.yaml: spec.colour",
        "faults.yaml: spec.size",
    ]
