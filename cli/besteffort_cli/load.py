"""`besteffort load`: replay arrivals against one model at one address, and say what became of the requests."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from besteffort_cli.dataset import Row, read_rows
from besteffort_cli.errors import InputError
from besteffort_cli.output import Output, OutputOption, make_writable
from besteffort_cli.progress import INTERRUPTED
from besteffort_cli.replay import replay
from besteffort_cli.report import Summary, summarise
from besteffort_cli.series import Scene, Turn
from besteffort_cli.table import Result, as_json, as_table
from besteffort_cli.trace import MAX_ARRIVALS, poisson, read_trace, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_cli.record import Record

__all__ = ["load"]

_LENGTH_S = 15.0
_LAG_SHARE = 0.1
_QUESTION = (Row("arithmetic", "2+2=", "4"),)

DeadlineOption = Annotated[
    float,
    typer.Option(
        min=1, max=86_400_000, help="Goes with each request, before spec.deadline; an answer after this is late."
    ),
]


def load(  # noqa: PLR0913 - one argument for each option
    address: Annotated[str, typer.Argument(help="HOST:PORT of a router, or of a Triton server.", show_default=False)],
    *,
    model: Annotated[str, typer.Option(help="Model name to ask for.", show_default=False)],
    trace: Annotated[Path | None, typer.Option(help="Arrivals: TIMESTAMP,ContextTokens,GeneratedTokens.")] = None,
    rate_rps: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Poisson arrivals; with --trace, its first part, faster or slower until this is its mean rate.",
        ),
    ] = None,
    length_s: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds; 15 with --rate-rps, else the whole trace.")
    ] = None,
    prompts: Annotated[Path | None, typer.Option(help="prompts.jsonl; without it all ask 2+2=.")] = None,
    deadline_ms: DeadlineOption = 400.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the prompts' order and of Poisson arrivals.")] = 0,
    output: OutputOption = Output.TABLE,
    out: Annotated[Path | None, typer.Option(help="Folder for load.json and load.png.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Write load.html too; needs --out.")] = False,
) -> int:
    """Send requests at their times, however slow the answers are, and count what becomes of each."""
    if html and out is None:
        raise InputError("--html needs --out: give the folder that load.html shall be written to.")
    arrivals_s = _arrivals(trace, rate_rps, length_s, seed)
    rows = read_rows(prompts) if prompts else _QUESTION
    if out:
        make_writable(out)
    records = _replayed(address, model, arrivals_s, rows, deadline_ms / 1000, seed)
    result = Result(model, (summarise(records),))
    _print(result, output)
    _warn(result.rounds[0], deadline_ms / 1000)
    if out:
        _write(out, _scene(records, model, f"deadline {deadline_ms:g} ms, {address}"), result, html=html)
    return INTERRUPTED if result.rounds[0].cancelled else 0


def _arrivals(trace: Path | None, rate_rps: float | None, length_s: float | None, seed: int) -> NDArray[np.float64]:
    if rate_rps and rate_rps * (length_s or _LENGTH_S) > MAX_ARRIVALS:
        raise InputError(f"--rate-rps times --length-s is more than {MAX_ARRIVALS} requests; lower one of them.")
    if trace is None:
        if rate_rps is None:
            raise InputError("Nothing says when requests come: give --trace FILE or --rate-rps RATE.")
        return poisson(rate_rps=rate_rps, length_s=length_s or _LENGTH_S, seed=seed)
    arrivals_s = read_trace(trace)
    if rate_rps is not None:
        return scale(arrivals_s, rate_rps=rate_rps, length_s=length_s or _LENGTH_S)
    return arrivals_s if length_s is None else arrivals_s[: int(np.searchsorted(arrivals_s, length_s))]


def _replayed(
    address: str, model: str, arrivals_s: NDArray[np.float64], rows: Sequence[Row], deadline_s: float, seed: int
) -> list[Record]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{len(arrivals_s):,} requests", total=len(arrivals_s))
        return replay(
            address,
            model,
            arrivals_s.tolist(),
            rows,
            deadline_s,
            seed=seed,
            progress=lambda ended: progress.update(bar, completed=ended),
        )


def _print(result: Result, output: Output) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps(as_json([result])[0], indent=2))
    else:
        Console().print(as_table([result], ""))


def _warn(summary: Summary, deadline_s: float) -> None:
    """Say so if it was the sender that was too slow."""
    if summary.lag_p99_s > _LAG_SHARE * deadline_s:
        typer.echo(
            f"The sender itself was up to {1000 * summary.lag_p99_s:.0f} ms late (99th percentile), which counts "
            "against the result: lower the rate or give it a core of its own.",
            err=True,
        )


def _scene(records: Sequence[Record], model: str, circumstances: str) -> Scene:
    qualities = defaultdict[str, list[float]](list)
    for record in records:
        if record.answered:
            qualities[record.size].append(record.quality)
    sizes = sorted(qualities, key=lambda size: -float(np.mean(qualities[size])))
    length_s = max((record.offset_s for record in records), default=0.0) + 1e-3
    measured = f"{len(records):,} requests in {length_s:.1f} s, {circumstances}."
    return Scene(f"Load on {model}", measured, tuple(sizes), {}, length_s, (Turn(model, records),))


def _write(folder: Path, scene: Scene, result: Result, *, html: bool) -> None:
    # What draws takes as long to load as all the rest.
    from besteffort_cli.page import build_page  # noqa: PLC0415
    from besteffort_cli.picture import draw_png  # noqa: PLC0415

    try:
        (folder / "load.json").write_text(json.dumps(as_json([result])[0], indent=2) + "\n", encoding="utf-8")
        draw_png(scene, folder / "load.png")
        if html:
            (folder / "load.html").write_text(build_page(scene, [result]), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {folder} cannot be written ({error.strerror}); give another folder.") from error
