from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from besteffort_cli import interpreter
from besteffort_cli.errors import EnvironmentMissingError
from besteffort_cli.interpreter import find_interpreter

if TYPE_CHECKING:
    from pathlib import Path


def fake(path: Path, **answer: object) -> str:
    """A program that answers the probe."""
    found = json.dumps({"minor": 11, "library": "/lib/libpython3.11.so.1.0", "has_venv": True} | answer)
    path.write_text(f"#!/bin/sh\necho '{found}'\n")
    path.chmod(0o755)
    return str(path)


def test_the_first_that_fits_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unfit = [
        fake(tmp_path / "new", minor=13),
        fake(tmp_path / "static", library=""),
        fake(tmp_path / "bare", has_venv=False),
        str(tmp_path / "missing"),
    ]
    fit = fake(tmp_path / "fit", minor=12)
    monkeypatch.setattr(interpreter, "_candidates", lambda: [*unfit, fit, fake(tmp_path / "later")])
    found = find_interpreter()
    assert (found.executable.name, found.version) == ("fit", "3.12")


def test_without_any_the_sentence_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_candidates", list)
    with pytest.raises(EnvironmentMissingError, match=r"apt-get install python3\.N python3\.N-venv libpython3\.N"):
        find_interpreter()


def test_the_distribution_comes_first() -> None:
    assert interpreter._candidates()[0] == "/usr/bin/python3"
