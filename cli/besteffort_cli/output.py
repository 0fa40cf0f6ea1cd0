"""The two ways to print a result, and the folder for one that goes into files."""

from __future__ import annotations

from enum import StrEnum
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Output", "OutputOption", "check_file", "make_writable", "write_whole"]


class Output(StrEnum):
    """For people or for programs."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", help="table for people, json for programs.")]


def make_writable(folder: Path, given_by: str = "--out") -> None:
    """Make a folder for results and try it, so that it is refused before the work and not after.

    Raises:
        InputError: it cannot be made, or no file can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{given_by}: {folder} cannot be written ({error.strerror}); give another folder.") from error


def check_file(path: Path) -> None:
    """Try the folder of a file that --out names, before the work.

    Raises:
        InputError: it is a folder itself, or no file can be written there.
    """
    if path.is_dir():
        raise InputError(f"--out {path}: this is a folder; name a file in it.")
    make_writable(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, and its folder where there is none, so that nobody reads half of it.

    Raises:
        InputError: it cannot be written there.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another with --out FILE.") from error
