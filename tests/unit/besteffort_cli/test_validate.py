from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from besteffort_cli.validate import validate

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(validate)


@pytest.mark.parametrize("text", ["spec: {{{\n", "spec:\n  colour: red\n"])
def test_each_fault_that_validate_finds_names_the_file_once(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = CliRunner().invoke(app, [str(path)])
    assert done.exit_code == 1
    for line in done.stderr.splitlines():
        assert line.startswith(f"{path}: ")
        assert line.count("bad.yaml") == 1


def test_a_missing_file_is_named_once(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "none.yaml")])
    assert done.stderr.count("none.yaml") == 1
