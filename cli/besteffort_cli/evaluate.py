"""`besteffort evaluate`: policies on the same arrivals, of a service of yours or of a study. Decides nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from besteffort_cli.errors import InputError
from besteffort_cli.learning_inputs import (  # noqa: TC001 - typer reads the annotations
    BundleOption,
    FactorOption,
    ProfileOption,
    SeedOption,
    TraceOption,
)
from besteffort_cli.options import refuse_idle
from besteffort_cli.output import Output, OutputOption
from besteffort_cli.progress import end_at_interrupt
from besteffort_cli.service_run import ServiceRun, report_service, run_service
from besteffort_cli.study_run import ClusterOptions, Executor, StudyRun, run_study

__all__ = ["evaluate"]

ServiceOption = Annotated[Path | None, typer.Option("--service", metavar="FILE", help="The BestEffortService.")]
StudyOption = Annotated[str, typer.Option(metavar="NAME", help="quick or full: a study of its own, without a service.")]
SlownessOption = Annotated[float, typer.Option(min=0.1, max=10, help="True over profiled seconds: a wrong profile.")]
SeedsOption = Annotated[int, typer.Option(min=1, max=1000, help="How many workloads are drawn.")]
GpuOption = Annotated[str, typer.Option(metavar="NAME", help="The latency profile of a study.")]
OutOption = Annotated[Path | None, typer.Option(metavar="FOLDER", help="For what is played, and the report of it.")]
ProcessesOption = Annotated[
    int, typer.Option(min=0, help="Processes that play, at most one for each core; 0: that many.")
]
ExecutorOption = Annotated[Executor, typer.Option(help="kubernetes: print a Job whose pods play the study.")]
ShardsOption = Annotated[int, typer.Option(min=1, max=10_000, help="Pods of that Job.")]
ImageOption = Annotated[str, typer.Option(help="Image of that Job: this very version of besteffort.")]
ClaimOption = Annotated[str, typer.Option(help="PersistentVolumeClaim of that Job: its --out.")]
ShardOption = Annotated[str, typer.Option(metavar="I/N", help="Play one of N parts, I from 0, and write no report.")]

IDLE = {
    "with --study": ("profile", "bundle", "trace", "rate_factor", "slowness", "seed"),
    "with --service": ("gpu", "executor", "shards", "image", "claim", "shard"),
    "with --executor local": ("shards", "image", "claim"),
    "with --executor kubernetes": ("out", "processes", "shard"),
    "with --shard": ("output",),
    "without --trace": ("rate_factor",),
    "without --out": ("processes",),
}
"""Options that do nothing, by where."""


def evaluate(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
    *,
    service: ServiceOption = None,
    profile: ProfileOption = None,
    bundle: BundleOption = None,
    trace: TraceOption = None,
    rate_factor: FactorOption = 1.0,
    slowness: SlownessOption = 1.0,
    study: StudyOption = "",
    gpu: GpuOption = "a100_roofline",
    out: OutOption = None,
    processes: ProcessesOption = 0,
    executor: ExecutorOption = Executor.LOCAL,
    shards: ShardsOption = 8,
    image: ImageOption = "",
    claim: ClaimOption = "",
    shard: ShardOption = "",
    seeds: SeedsOption = 10,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Compare all policies on the same arrivals: those of your service, or of a study, beside a clairvoyant bound.

    With --service: lulls, a steady load, bursts, waves and overload, or your trace. "ahead" is of the differences to
    the first policy (with --bundle that of its network, else Learned), seed by seed, with its 95 % interval. With
    --study: a report in --out, as Markdown, JSON and HTML, made on all cores; after Ctrl-C the same command goes on.

    Example: besteffort evaluate --service service.yaml --profile profile.yaml --bundle policy.safetensors
    """
    if (service is None) == (not study):
        raise InputError("give either --service FILE or --study NAME.")
    refuse_idle(context, {where: IDLE[where] for where in _where(service, executor, shard, trace, out)})
    end_at_interrupt(context)
    if service is None:
        cluster = ClusterOptions(image, claim, shards)
        run_study(StudyRun(study, gpu, seeds, out, processes, shard), executor, cluster, output)
        return
    run = ServiceRun(service, profile, bundle, trace, rate_factor, slowness, seeds, seed)
    report_service(run, out, processes, output) if out else run_service(run, output)


def _where(service: Path | None, executor: Executor, shard: str, trace: Path | None, out: Path | None) -> list[str]:
    """Return the keys of `IDLE` that hold."""
    if service is None:
        return ["with --study", f"with --executor {executor}", *(["with --shard"] if shard else [])]
    missing = [name for name, given in (("--trace", trace), ("--out", out)) if given is None]
    return ["with --service", *(f"without {name}" for name in missing)]
