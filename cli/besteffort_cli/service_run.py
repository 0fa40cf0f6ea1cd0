"""`besteffort evaluate --service`: all policies of a service on the loads around it, or on a trace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from besteffort_cli.extra import import_extra
from besteffort_cli.learning_inputs import plans_of, scaled_arrivals, traced_loads
from besteffort_cli.learning_service import load_learning_service
from besteffort_cli.output import make_writable
from besteffort_cli.progress import COMPILING, showing_progress
from besteffort_cli.rows import show_rows
from besteffort_cli.study_run import playing, show_report, used_cores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from besteffort_cli.output import Output
    from besteffort_train.episodes import Service

__all__ = ["ServiceRun", "report_service", "run_service"]


@dataclass(frozen=True)
class ServiceRun:
    """What is evaluated: files as the options name them, and what is drawn."""

    service: Path
    profile: Path | None
    bundle: Path | None
    trace: Path | None
    rate_factor: float
    slowness: float
    seeds: int
    seed: int


def run_service(run: ServiceRun, output: Output) -> None:
    """Compare the policies on each load and print them.

    Raises:
        InputError: a file is refused.
        BundleError: the bundle is not for this service.
    """
    evaluation = import_extra("besteffort_train.evaluation")
    learned, plans = _read(run)
    against = next(iter(plans))
    if run.trace is not None:
        traced = traced_loads(learned, run.trace, run.rate_factor, seeds=run.seeds, seed=run.seed)
        loads = {run.trace.name: traced}
    else:
        named = evaluation.named_traffic(learned).items()
        loads = {name: evaluation.build_workloads(learned, asked, run.seeds, seed=run.seed) for name, asked in named}
    found = {}
    with showing_progress() as report:
        for done, (name, drawn) in enumerate(loads.items()):
            report(f"{name}{COMPILING if done == 0 else ''}", done, len(loads), math.nan)
            found[name] = evaluation.compare(learned, plans, drawn, against=against, slowness=run.slowness)
    show_rows(found, loads, learned.sizes, output, against)


def report_service(run: ServiceRun, folder: Path, processes: int, output: Output) -> None:
    """Compare the policies on each load beside the clairvoyant bound, and write a report.

    Raises:
        InputError: a file is refused, or the folder cannot be written.
        BundleError: the bundle is not for this service.
        StudyError: there are too few seeds, or another process plays into the folder.
    """
    make_writable(folder)
    learned, plans = _read(run)
    if run.trace is not None:
        traffic = {run.trace.name: scaled_arrivals(learned, run.trace, run.rate_factor)}
    else:
        traffic = import_extra("besteffort_train.evaluation").named_traffic(learned)
    arena = import_extra("besteffort_study.service_arena").ServiceArena(learned, plans, traffic, run.slowness, run.seed)
    play = import_extra("besteffort_study.run").play_service
    with playing() as progress:
        report = play(arena, run.seeds, folder, used_cores(processes), progress)
    show_report(report, folder, output)


def _read(run: ServiceRun) -> tuple[Service, Mapping[str, Any]]:
    learned = load_learning_service(run.service, run.profile)
    return learned, plans_of(learned, run.bundle)
