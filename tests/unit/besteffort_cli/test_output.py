from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_cli.errors import InputError
from besteffort_cli.output import make_writable

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_for_results_is_made_and_left_empty(tmp_path: Path) -> None:
    make_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--out: .*/file/x cannot be written \(Not a directory\); give another"):
        make_writable(tmp_path / "file" / "x")
