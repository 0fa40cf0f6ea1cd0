"""Play the rounds of a study on all cores, or a shard of them; what is in the store already is not played again.

A cell depends on its round and its digest alone, so the results are the same however they were distributed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_study.cell import BOUND
from besteffort_study.errors import StudyError
from besteffort_study.grid import rounds_of
from besteffort_study.measure import bound_cell, played_cell
from besteffort_study.provenance import digest_of, source_digest
from besteffort_study.store import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from besteffort_study.cell import Cell, Round
    from besteffort_study.grid import Arena, Grid
    from besteffort_study.store import Shard, Store

__all__ = ["Task", "execute", "missing", "play", "tasks_of"]


@dataclass(frozen=True, slots=True)
class Task:
    """One round and the digests of the policies to play in it, by name; the bound is one of the names."""

    where: Round
    digests: Mapping[str, str]


def tasks_of(arena: Arena, grid: Grid, shard: Shard = WHOLE) -> list[Task]:
    """Return what one shard of a grid consists of, played or not."""
    digests = {
        (setting.scenario, setting.layout): _digests(arena, setting.scenario, setting.layout)
        for setting in grid.settings
    }
    rounds = rounds_of(grid)[shard.number :: shard.parts]
    return [Task(where, digests[where.scenario, where.layout]) for where in rounds]


def _digests(arena: Arena, scenario: str, layout: str) -> dict[str, str]:
    entrants = {name: entrant.digest for name, entrant in arena.entrants(scenario, layout).items()}
    shared = source_digest(), arena.digest
    return {name: digest_of(*shared, name, own) for name, own in ({BOUND: ""} | entrants).items()}


def missing(tasks: Sequence[Task], known: Collection[tuple[Round, str, str]]) -> list[Task]:
    """Return what of the tasks is not known by its round, policy and digest."""
    open_tasks = []
    for task in tasks:
        left = {name: digest for name, digest in task.digests.items() if (task.where, name, digest) not in known}
        if left:
            open_tasks.append(Task(task.where, left))
    return open_tasks


def play(arena: Arena, task: Task) -> list[Cell]:
    """Return the cells of a task."""
    where, case = task.where, arena.case(task.where)
    entrants = arena.entrants(where.scenario, where.layout)
    cells = []
    for name, digest in task.digests.items():
        if name == BOUND:
            cells.append(bound_cell(where, case, arena.bound(case), digest))
        else:
            log, bounded = entrants[name].play(case), entrants[name].bounded
            cells.append(played_cell(where, case, log, policy=name, digest=digest, bounded=bounded))
    return cells


def execute(
    arena: Arena,
    tasks: Sequence[Task],
    store: Store,
    *,
    processes: int,
    report: Callable[[int, int], None],
) -> list[Cell]:
    """Play what is missing and return the cells of all tasks, sorted; `report` takes cells done and in all.

    Raises:
        StudyError: another process adds to the same store, or one that played ended early.
        KeyboardInterrupt: everything finished until then is in the store.
    """
    known = store.read()
    left, total = missing(tasks, known), sum(len(task.digests) for task in tasks)
    done = total - sum(len(task.digests) for task in left)
    report(done, total)
    with store.opened() as adder:
        for cells in _played(arena, left, min(processes, len(left))):
            adder.add(cells)
            known |= {(cell.round, cell.policy, cell.digest): cell for cell in cells}
            done += len(cells)
            report(done, total)
    return sorted((known[task.where, *each] for task in tasks for each in task.digests.items()), key=_place)


def _place(cell: Cell) -> tuple[Round, str]:
    return cell.round, cell.policy


def _played(arena: Arena, tasks: Sequence[Task], processes: int) -> Iterator[list[Cell]]:
    if processes <= 1:
        yield from (play(arena, task) for task in tasks)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_begin)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the processes take over, from their first moment on
    try:
        coming = [pool.submit(play, arena, task) for task in tasks]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for finished in as_completed(coming):
            yield finished.result()
    except BrokenProcessPool as error:
        raise StudyError("a process that played ended early (out of memory?); run the same command again.") from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    pool.shutdown()


def _begin() -> None:
    """End with the process that started this one, however it ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
