from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_cli.cores import CoreSplit
from besteffort_cli.kept_profile import kept_profile
from besteffort_cli.local_service import load_local_service
from support.repository import write_model, write_prompts, write_service

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = (CoreSplit(frozenset(range(n)), frozenset({0})) for n in (1, 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_model(tmp_path / "models", "small")
    write_prompts(tmp_path / "prompts.jsonl")
    return write_service(tmp_path / "service.yaml", ["small"])


def place(path: Path, cores: CoreSplit = ONE, *remotes: str) -> Path:
    return kept_profile(path.parent, load_local_service(path, remotes=remotes), path.parent / "prompts.jsonl", cores)


def test_the_same_service_finds_the_same_profile(path: Path) -> None:
    before = place(path)
    (path.parent / "models" / "small" / "1" / "__pycache__").mkdir()
    (path.parent / "models" / "small" / "1" / "__pycache__" / "model.pyc").touch()
    assert place(path) == before
    assert before.parent == path.parent / "profiles"


@pytest.mark.parametrize("changed", ["models/small/1/model.py", "models/small/config.pbtxt", "prompts.jsonl"])
def test_a_changed_model_or_dataset_is_measured_anew(path: Path, changed: str) -> None:
    before = place(path)
    with (path.parent / changed).open("a") as file:
        file.write("\n")
    assert place(path) != before


def test_other_cores_or_another_server_are_measured_anew(path: Path) -> None:
    assert len({place(path), place(path, TWO), place(path, ONE, "small=elsewhere:8001")}) == 3
