"""`besteffort evaluate --study`: play a study, or a shard of it, here; or print the Job by which a cluster does."""

from __future__ import annotations

import json
import math
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer
import yaml
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from besteffort_cli.errors import InputError
from besteffort_cli.extra import import_extra
from besteffort_cli.output import Output, make_writable
from besteffort_cli.progress import showing_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from besteffort_study.report import Report

__all__ = ["ClusterOptions", "Executor", "StudyRun", "playing", "run_study", "show_report", "used_cores"]


class Executor(StrEnum):
    """Where a study is played."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True)
class StudyRun:
    """What is played, and by how many processes."""

    study: str
    gpu: str
    seeds: int
    out: Path | None
    processes: int
    shard: str


@dataclass(frozen=True)
class ClusterOptions:
    """What a cluster needs besides."""

    image: str
    claim: str
    shards: int


def run_study(run: StudyRun, executor: Executor, cluster: ClusterOptions, output: Output) -> None:
    """Play a study and write its report, or print the Job that plays it.

    Raises:
        InputError: an option is missing or refused.
        StudyError: the study is, or another process plays into the same folder.
    """
    play = import_extra("besteffort_study.run")
    wanted = play.Wanted(run.study, run.gpu, run.seeds)
    play.grid_of(wanted)
    if executor is Executor.KUBERNETES:
        _print_job(run, cluster, output)
        return
    if run.out is None:
        raise InputError("--study needs --out FOLDER: there it keeps what it has played, and writes its report.")
    make_writable(run.out)
    processes, shard = used_cores(run.processes), _shard(run.shard)
    with playing() as progress:
        if shard is not None:
            cells = play.play_shard(wanted, run.out, shard, processes, progress)
        else:
            report = play.play_study(wanted, run.out, processes, progress)
    if shard is not None:
        typer.echo(f"shard {run.shard}: {cells} cells")
    else:
        show_report(report, run.out, output)


def used_cores(processes: int) -> int:
    """Return how many processes play: one for each core that this process may use, at most as many as asked, 0: all."""
    cores = len(os.sched_getaffinity(0))
    return min(processes or cores, cores)


@contextmanager
def playing() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar while a study plays; it takes the phase, steps done and in all."""
    try:
        with showing_progress() as bar:
            yield lambda phase, done, total: bar(phase, done, total, math.nan)
    except KeyboardInterrupt:  # while other processes play
        raise typer.Abort from None


def _shard(text: str) -> Any:  # noqa: ANN401 - a Shard, of a module that may be missing
    if not text:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not number < parts:
        raise InputError(f"--shard {text}: write I/N with I from 0 to N - 1, as 0/8.")
    return import_extra("besteffort_study.store").Shard(number, parts)


def show_report(report: Report, folder: Path, output: Output) -> None:
    """Write the report into files, and print its first table or its JSON."""
    files = import_extra("besteffort_study.files").write_report(report, folder, "report")
    if output is Output.JSON:
        typer.echo(files[0].read_text(encoding="utf-8"), nl=False)
        return
    opening = import_extra("besteffort_study.document").build_document(report)[0]
    table = Table(title=f"Study {report.study}", title_justify="left", title_style="bold", box=SIMPLE, padding=0)
    cells = opening.parts[-1]
    for heading in cells.head:
        table.add_column(heading)
    for row in cells.rows:
        table.add_row(*row)
    Console().print(table)
    typer.echo("Written: " + ", ".join(map(str, files)))


def _print_job(run: StudyRun, cluster: ClusterOptions, output: Output) -> None:
    missing = [name for name in ("image", "claim") if not getattr(cluster, name)]
    if missing:
        raise InputError(f"--executor kubernetes needs --{missing[0]} too.")
    words = ("--study", run.study, "--gpu", run.gpu, "--seeds", str(run.seeds))
    job = import_extra("besteffort_study.job")
    name = f"besteffort-evaluate-{run.study}"
    made = job.build_job(job.ClusterRun(name, cluster.image, cluster.claim, cluster.shards, words))
    typer.echo(json.dumps(made) if output is Output.JSON else yaml.safe_dump(made, sort_keys=False), nl=False)
