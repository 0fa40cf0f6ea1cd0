"""The cells of a study on disk: lines that are only ever added, so that what was computed once is never lost.

Each process that plays adds to a file of its own and reads all of them, so that shards may share a folder.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO

from besteffort_study.cell import cell_from_line, line_from_cell
from besteffort_study.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from besteffort_study.cell import Cell, Round

__all__ = ["WHOLE", "Shard", "Store"]


class Shard(NamedTuple):
    """One of several equal parts of a study."""

    number: int
    """From 0."""
    parts: int


WHOLE = Shard(0, 1)


class Store:
    """A folder of cells."""

    def __init__(self, folder: Path, shard: Shard = WHOLE) -> None:
        self._folder = folder
        name = "cells" if shard == WHOLE else f"cells-{shard.number}-of-{shard.parts}"
        self._own = folder / f"{name}.jsonl"

    def read(self) -> dict[tuple[Round, str, str], Cell]:
        """Return every whole cell by round, policy and digest; those with the same are the same.

        Lines that are torn, or of another version of the format, are left out.
        """
        paths = sorted(self._folder.glob("cells*.jsonl"))
        return {(cell.round, cell.policy, cell.digest): cell for path in paths for cell in _cells(path)}

    @contextmanager
    def opened(self) -> Iterator[Adder]:
        """Open this process's own file for adding, and hold it alone.

        Raises:
            StudyError: another process adds to it now.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._own.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StudyError(f"{self._own}: another process adds to it; wait for it, or use --shard.") from error
            _drop_torn_end(file)
            yield Adder(file)


class Adder:
    """An open file of cells."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, cells: Iterable[Cell]) -> None:
        """Add cells, and hand them to the operating system at once."""
        self._file.write("".join(f"{line_from_cell(cell)}\n" for cell in cells))
        self._file.flush()


def _cells(path: Path) -> Iterator[Cell]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield cell_from_line(line)
        except ValueError:
            continue


def _drop_torn_end(file: TextIO) -> None:
    """Cut what follows the last whole line: a process died while it wrote."""
    file.seek(0)
    text = file.read()
    whole = text.rfind("\n") + 1
    if whole < len(text):
        file.truncate(len(text[:whole].encode()))
    file.seek(0, 2)
