"""`besteffort calibrate`: measure every size of a service on its live servers, and write the profile."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from besteffort_cli.calibration import Effort, Subject, measure, profiles_of
from besteffort_cli.dataset import read_rows
from besteffort_cli.errors import InputError
from besteffort_cli.kept_profile import kept_profile
from besteffort_cli.local_service import LocalService, load_local_service
from besteffort_cli.output import Output, OutputOption, check_file, write_whole
from besteffort_cli.preparation import (
    BackendsOption,
    CoresOption,
    ModelsOption,
    PromptsOption,
    TritonOption,
    confined,
    find_ground,
    say,
)
from besteffort_cli.stack import LocalStack
from besteffort_resource.profile import profile_to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_cli.calibration import Measurement

__all__ = ["calibrate", "find_prompts", "measure_stack", "write_profile"]

MeasuredServiceArgument = Annotated[
    Path,
    typer.Argument(metavar="SERVICE.YAML", help="The BestEffortService to measure; --backend for its live servers."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where the profile goes; where `up` finds it otherwise.")
]


def calibrate(  # noqa: PLR0913 - one parameter for each option
    service: MeasuredServiceArgument,
    *,
    prompts: PromptsOption = None,
    out: OutOption = None,
    backend: BackendsOption = None,
    models: ModelsOption = None,
    triton: TritonOption = None,
    cores: CoresOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Measure quality and latency of every size on its live servers; write a profile.

    On a cluster the profile goes into a ConfigMap, named by spec.profile; or its
    blocks are pasted under the sizes of the resource.
    """
    local = load_local_service(service, remotes=backend or (), models=models)
    asked = find_prompts(local, prompts)
    if out:
        check_file(out)
    ground = find_ground(local, triton=triton, cores=cores)
    path = out or kept_profile(ground.home, local, asked, ground.cores)
    with LocalStack(local, ground) as stack, confined(ground.cores.rest):
        measurements = measure_stack(local, stack, asked)
    write_profile(path, measurements)
    if output is Output.JSON:
        typer.echo(json.dumps({size: asdict(found) for size, found in measurements.items()}))
    else:
        Console().print(_table(measurements))
    say(f"Wrote {path}")


def find_prompts(local: LocalService, prompts: Path | None) -> Path:
    """Return the prompts to measure with: those named, else those beside the service.

    Raises:
        InputError: there are none, or a line is broken.
    """
    found = prompts or local.folder / "prompts.jsonl"
    if not found.is_file():
        raise InputError(f"There is no {found} to measure quality and latency with; give one with --prompts FILE.")
    read_rows(found)
    return found


def measure_stack(
    local: LocalService, stack: LocalStack, prompts: Path, *, effort: Effort | None = None
) -> dict[str, Measurement]:
    """Return a measurement by the name of the size, of one server each, while a progress bar shows.

    Raises:
        InputError: the prompts are refused, or lack a task.
        ServerError: a server fails.
    """
    spec = local.service.spec
    subjects = [
        Subject(size.name, size.triton_model, next(b.address for b in stack.backends if size.name in b.sizes))
        for size in spec.sizes
    ]
    rows = read_rows(prompts)
    columns = (TextColumn("measuring"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=1.0)
        return measure(
            subjects,
            rows,
            spec.tasks,
            effort=effort or Effort(),
            progress=lambda what, share: bar.update(shown, description=what, completed=share),
        )


def write_profile(path: Path, measurements: Mapping[str, Measurement]) -> None:
    """Write the profile file as a whole.

    Raises:
        InputError: it cannot be written there.
    """
    write_whole(path, profile_to_yaml(profiles_of(measurements)).encode())


def _table(measurements: Mapping[str, Measurement]) -> Table:
    table = Table("size", "right", "1 at once", "full batch", "capacity", "Triton's own time")
    for size, found in measurements.items():
        batches = found.seconds_by_batch
        table.add_row(
            size,
            f"{found.quality:.1%}",
            f"{1000 * batches[1]:.1f} ms",
            f"{1000 * batches[max(batches)]:.1f} ms / {max(batches)}",
            f"{found.capacity_rps:.0f}/s",
            f"{1000 * found.infer_s:.2f} ms/request",
        )
    return table
