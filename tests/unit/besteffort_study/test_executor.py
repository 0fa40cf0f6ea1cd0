from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_study.cell import BOUND
from besteffort_study.errors import StudyError
from besteffort_study.executor import execute, missing, tasks_of
from besteffort_study.grid import rounds_of
from besteffort_study.store import WHOLE, Shard, Store
from support.arena import GRID, Constant, MadeUpArena

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_study.cell import Cell

ROUNDS = 4 * GRID.seeds
CELLS = ROUNDS * 4


def run(folder: Path, arena: MadeUpArena | None = None, shard: Shard = WHOLE, processes: int = 1) -> list[Cell]:
    arena = arena or MadeUpArena()
    store = Store(folder, shard)
    return execute(arena, tasks_of(arena, GRID, shard), store, processes=processes, report=lambda *_: None)


def test_every_policy_and_the_bound_play_every_round(tmp_path: Path) -> None:
    cells = run(tmp_path)
    assert {(cell.round, cell.policy) for cell in cells} == {
        (where, name) for where in rounds_of(GRID) for name in ("ours", "other", "none", BOUND)
    }
    for cell in cells:
        shares = {"ours": 0.9, "other": 0.7, "none": 0.0, BOUND: 0.95}
        assert cell.reward / cell.peak == pytest.approx(shares[cell.policy], abs=0.05)


def test_policies_of_a_round_meet_the_same_requests(tmp_path: Path) -> None:
    peaks: dict[object, set[float]] = {}
    for cell in run(tmp_path):
        peaks.setdefault(cell.round, set()).add(cell.peak)
    assert all(len(found) == 1 for found in peaks.values())
    assert len(set(map(min, peaks.values()))) > ROUNDS // 2


def test_two_processes_one_process_and_two_shards_find_the_same(tmp_path: Path) -> None:
    alone = run(tmp_path / "alone")
    assert run(tmp_path / "two", processes=2) == alone
    parts = [run(tmp_path / "shards", shard=Shard(number, 2)) for number in range(2)]
    assert sorted(map(len, parts)) == [CELLS // 2, CELLS // 2]
    arena, reports = MadeUpArena(), []
    store = Store(tmp_path / "shards")
    merged = execute(arena, tasks_of(arena, GRID), store, processes=1, report=lambda *at: reports.append(at))
    assert merged == alone
    assert reports == [(CELLS, CELLS)]
    assert (tmp_path / "shards" / "cells.jsonl").read_text() == "", "the merge plays nothing again"


def test_what_an_older_source_left_in_the_folder_hides_no_shard(tmp_path: Path) -> None:
    run(tmp_path, MadeUpArena(digest="older"))
    for number in range(2):
        run(tmp_path, shard=Shard(number, 2))
    assert missing(tasks_of(MadeUpArena(), GRID), Store(tmp_path).read()) == []


def test_a_rerun_plays_only_what_is_missing(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    arena = MadeUpArena({"ours": Constant(0.9, asked=noted)})
    first = run(tmp_path / "store", arena)
    assert len(noted.read_text().splitlines()) == ROUNDS
    kept = tmp_path / "store" / "cells.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:-4]) + lines[-4][:30])
    noted.unlink()
    assert run(tmp_path / "store", arena) == first
    assert len(noted.read_text().splitlines()) == 2


def test_a_changed_policy_is_played_again_and_the_others_are_not(tmp_path: Path) -> None:
    run(tmp_path)
    changed = MadeUpArena(dict(MadeUpArena().players) | {"other": Constant(0.5, digest="v2")})
    left = missing(tasks_of(changed, GRID), Store(tmp_path).read())
    assert [set(task.digests) for task in left] == [{"other"}] * ROUNDS
    rewards = {cell.policy: cell.reward / cell.peak for cell in run(tmp_path, changed)}
    assert rewards["other"] == pytest.approx(0.5, abs=0.05)


def test_another_arena_is_played_anew(tmp_path: Path) -> None:
    run(tmp_path)
    other = MadeUpArena(digest="another pool")
    assert len(missing(tasks_of(other, GRID), Store(tmp_path).read())) == ROUNDS


def test_progress_counts_cells_from_what_is_there_to_all(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    arena = MadeUpArena()
    execute(arena, tasks_of(arena, GRID), Store(tmp_path), processes=1, report=lambda *now: seen.append(now))
    assert seen == [(done, CELLS) for done in range(0, CELLS + 1, 4)]
    execute(arena, tasks_of(arena, GRID), Store(tmp_path), processes=1, report=lambda *now: seen.append(now))
    assert seen[-1] == (CELLS, CELLS)


def test_an_interrupted_study_keeps_what_was_finished_and_goes_on(tmp_path: Path) -> None:
    arena, seen = MadeUpArena(), []

    def interrupted(done: int, _total: int) -> None:
        seen.append(done)
        if done >= CELLS // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(arena, tasks_of(arena, GRID), Store(tmp_path), processes=2, report=interrupted)
    assert len(Store(tmp_path).read()) >= CELLS // 2
    assert run(tmp_path) == run(tmp_path / "again")


def test_a_process_that_is_killed_is_one_sentence_and_nothing_finished_is_lost(tmp_path: Path) -> None:
    fatal = MadeUpArena({"ours": Constant(0.9, killed_at=30.0)})
    with pytest.raises(StudyError, match=r"ended early .* run the same command again\."):
        run(tmp_path, fatal, processes=2)
    kept = Store(tmp_path).read()
    assert not [where for where, _, _ in kept if where.load > 3.0]
    assert np.isfinite([cell.reward for cell in kept.values()]).all()
