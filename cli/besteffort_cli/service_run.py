"""`besteffort evaluate --service`: all policies of a service on the loads around it, or on a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_cli.extra import import_extra
from besteffort_cli.learning_inputs import plans_of, traced_loads
from besteffort_cli.learning_service import load_learning_service
from besteffort_cli.rows import show_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from besteffort_cli.output import Output
    from besteffort_sim.model import Workload
    from besteffort_train.episodes import Service

__all__ = ["ServiceRun", "run_service"]


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
        InputError: a file is refused; BundleError: the bundle is not for this service.
    """
    evaluation = import_extra("besteffort_train.evaluation")
    learned = load_learning_service(run.service, run.profile)
    plans = plans_of(learned, run.bundle)
    against = next(iter(plans))
    found = {
        name: evaluation.compare(learned, plans, drawn, against=against, slowness=run.slowness)
        for name, drawn in _loads(learned, run).items()
    }
    show_rows(found, learned.sizes, output, against)


def _loads(learned: Service, run: ServiceRun) -> Mapping[str, Sequence[Workload]]:
    if run.trace is not None:
        traced = traced_loads(learned, run.trace, run.rate_factor, seeds=run.seeds, seed=run.seed)
        return {run.trace.name: traced}
    evaluation = import_extra("besteffort_train.evaluation")
    named = evaluation.named_traffic(learned)
    return {
        name: evaluation.build_workloads(learned, traffic, run.seeds, seed=run.seed) for name, traffic in named.items()
    }
