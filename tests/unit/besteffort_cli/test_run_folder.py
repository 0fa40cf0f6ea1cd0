from __future__ import annotations

import os
from typing import TYPE_CHECKING

from besteffort_cli.run_folder import make_run_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    first, second = make_run_folder(tmp_path, "shout"), make_run_folder(tmp_path, "shout")
    assert first != second
    assert first.name.startswith(f"{os.getpid()}-shout-")
    assert first.is_dir()


def test_folders_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    gone, foreign = tmp_path / "run" / "4194999-shout-x", tmp_path / "run" / "notes"
    for folder in (gone, foreign):
        folder.mkdir(parents=True)
    mine = make_run_folder(tmp_path, "shout")
    again = make_run_folder(tmp_path, "shout")
    assert not gone.exists()
    assert all(folder.exists() for folder in (foreign, mine, again))
