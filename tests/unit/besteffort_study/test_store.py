from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_study.cell import Cell, Played, Round, cell_from_line, line_from_cell
from besteffort_study.errors import StudyError
from besteffort_study.store import Shard, Store

if TYPE_CHECKING:
    from pathlib import Path

PLAYED = Played(0.9, 0.05, 0.05, 0.01, 1 / 3, None, (0.25, 0.75), (1.0, 0.5, 0.25, 0.0))


def cell(seed: int, policy: str = "ours", digest: str = "digest") -> Cell:
    return Cell(
        Round("SC", "co", "maf", 1.0, seed), policy, digest, 100, 0.1 + 0.2, 0.7, played=PLAYED, series=(0.1, 2.0)
    )


def add(store: Store, *cells: Cell) -> None:
    with store.opened() as adder:
        adder.add(cells)


@pytest.mark.parametrize("one", [cell(3), Cell(Round("SC", "co", "maf", 0.5, 0), "bound", "d", 1, 0.7, 0.7)])
def test_a_cell_comes_back_from_its_line_to_the_last_digit(one: Cell) -> None:
    assert cell_from_line(line_from_cell(one)) == one
    assert "\n" not in line_from_cell(one)


def test_what_is_added_is_read_by_round_policy_and_digest(tmp_path: Path) -> None:
    store, cells = Store(tmp_path / "made"), [cell(0), cell(1), cell(0, "other"), cell(0, digest="older")]
    add(store, *cells[:2])
    add(store, *cells[2:])
    assert store.read() == {(one.round, one.policy, one.digest): one for one in cells}


def test_a_torn_last_line_is_dropped_and_the_next_cell_starts_a_line_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, cell(0), cell(1))
    path = tmp_path / "cells.jsonl"
    path.write_text(path.read_text()[:-20])
    assert [where.seed for where, _, _ in store.read()] == [0]
    add(store, cell(2))
    assert [where.seed for where, _, _ in store.read()] == [0, 2]
    assert len(path.read_text().splitlines()) == 2


def test_lines_of_another_version_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "cells.jsonl").write_text('{"round":["SC","co","maf",1,0],"played":null,"older":1}\nnull\n[1]\n\n')
    assert Store(tmp_path).read() == {}


def test_shards_have_files_of_their_own_and_read_each_other(tmp_path: Path) -> None:
    first, second = Store(tmp_path, Shard(0, 2)), Store(tmp_path, Shard(1, 2))
    with first.opened() as one, second.opened() as other:
        one.add([cell(0)])
        other.add([cell(1)])
    assert first.read() == second.read() == Store(tmp_path).read()
    assert len(first.read()) == 2


def test_two_processes_cannot_add_to_one_file(tmp_path: Path) -> None:
    with (
        Store(tmp_path).opened(),
        pytest.raises(StudyError, match=r"another process adds to it; wait for it, or use --shard\."),
        Store(tmp_path).opened(),
    ):
        pass


def test_a_folder_that_is_not_there_holds_no_cell(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").read() == {}
