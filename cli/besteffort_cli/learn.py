"""`besteffort simulate`, `train` and `evaluate`: policies without servers. Decides nothing itself."""

from __future__ import annotations

import importlib
import json
import math
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from besteffort_cli.bundle_file import read_bundle
from besteffort_cli.errors import EnvironmentMissingError, InputError
from besteffort_cli.inspection import policy_inspect
from besteffort_cli.learning_service import load_learning_service
from besteffort_cli.output import Output, OutputOption
from besteffort_cli.trace import MAX_ARRIVALS, read_trace
from besteffort_core.bundle import require_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from besteffort_sim.model import Workload
    from besteffort_train.episodes import Service
    from besteffort_train.evaluation import Interval, Row

__all__ = ["evaluate", "simulate", "train"]


ServiceOption = Annotated[
    Path, typer.Option("--service", metavar="FILE", help="The BestEffortService.", show_default=False)
]
ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile", metavar="FILE", help="What `calibrate` measured; needed where the service has no numbers."
    ),
]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", metavar="FILE", help="A policy bundle, as `train` writes it.")
]
TraceOption = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE", help="Arrivals: TIMESTAMP,ContextTokens,GeneratedTokens.")
]
FactorOption = Annotated[float, typer.Option("--rate-factor", min=1e-6, help="Play the trace so many times faster.")]
SeedsOption = Annotated[int, typer.Option(min=1, max=1000, help="How many workloads are drawn.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")]


def simulate(  # noqa: PLR0913 - one parameter for each option
    *,
    service: ServiceOption,
    profile: ProfileOption = None,
    policy: Annotated[str, typer.Option(help="Learned, Price, Ladder, Greedy, ... or 'Static SIZE'.")] = "Price",
    bundle: BundleOption = None,
    rate_rps: Annotated[float, typer.Option(min=0.001, help="Poisson arrivals per second, without --trace.")] = 50.0,
    length_s: Annotated[float, typer.Option(min=0.1, help="Length, without --trace.")] = 60.0,
    trace: TraceOption = None,
    rate_factor: FactorOption = 1.0,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Play one policy against one load, without servers: what would become of the requests?

    A minute of load takes milliseconds (the first call compiles the simulator, some seconds). It decides with the very
    code of the router, and shares devices as real servers do.

    Example: besteffort simulate --service service.yaml --profile profile.yaml --rate-rps 200 --policy Price
    """
    evaluation, workload = _evaluation(), _import("besteffort_sim.workload")
    learned = load_learning_service(service, profile)
    plans = _plans(learned, bundle)
    if policy not in plans:
        raise InputError(f"--policy {policy}: write one of {', '.join(plans)}; Learned needs --bundle.")
    if trace is None and rate_rps * length_s > MAX_ARRIVALS:
        raise InputError(f"--rate-rps times --length-s is more than {MAX_ARRIVALS} requests; lower one of them.")
    if trace is None:
        rng, wanted = np.random.default_rng((seed, 0)), max(round(rate_rps * length_s), 1)
        arrival_s = workload.draw_arrivals(workload.Poisson(rate_rps), wanted, rng)
        loads = [workload.build_workload(arrival_s, len(learned.tasks) + 1, learned.deadline_s, rng)]
    else:
        loads = _traced(learned, trace, rate_factor, seeds=1, seed=seed)
    rows = evaluation.compare(learned, {policy: plans[policy]}, loads, against=policy)
    _show({"load": rows}, learned.sizes, output)


def evaluate(  # noqa: PLR0913 - one parameter for each option
    *,
    service: ServiceOption,
    profile: ProfileOption = None,
    bundle: BundleOption = None,
    trace: TraceOption = None,
    rate_factor: FactorOption = 1.0,
    slowness: Annotated[
        float, typer.Option(min=0.1, max=10, help="True over profiled seconds: a wrong profile.")
    ] = 1.0,
    seeds: SeedsOption = 10,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Compare all policies on the same arrivals: lulls, a steady load, bursts, waves and overload, or your trace.

    Each policy meets the same requests and the same noise, over several seeds; the intervals (95 %) of "ahead" are of
    the differences to the first policy, Learned with --bundle and else Price, seed by seed.

    Example: besteffort evaluate --service service.yaml --profile profile.yaml --bundle policy.safetensors
    """
    evaluation = _evaluation()
    learned = load_learning_service(service, profile)
    plans = _plans(learned, bundle)
    if trace is not None:
        loads = {trace.name: _traced(learned, trace, rate_factor, seeds=seeds, seed=seed)}
    else:
        named = evaluation.named_traffic(learned)
        loads = {
            name: evaluation.build_workloads(learned, traffic, seeds, seed=seed) for name, traffic in named.items()
        }
    against = next(iter(plans))
    found = {
        name: evaluation.compare(learned, plans, drawn, against=against, slowness=slowness)
        for name, drawn in loads.items()
    }
    _show(found, learned.sizes, output, against)


def train(
    *,
    service: ServiceOption,
    profile: ProfileOption = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the policy goes; replaced as a whole.")] = Path(
        "policy.safetensors"
    ),
    steps: Annotated[
        int | None, typer.Option(min=1, help="Gradient steps; fewer for a try.", show_default=False)
    ] = None,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Train the policy of a service in the simulator: some minutes on two cores, no GPU.

    Tunes the rules (Price, Ladder), trains a network by Double DQN on random loads, machines and deadlines around the
    service, and writes all into one file, with the mean reward of every policy on loads that training did not see. The
    same service, seed and versions give the same file. Name it in spec.policy.bundle, with spec.policy.kind Learned.

    Example: besteffort train --service service.yaml --profile profile.yaml --out policy.safetensors
    """
    recipes = _import("besteffort_train.recipe")
    learned = load_learning_service(service, profile)
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}; make it, or write elsewhere.")
    recipe = recipes.Recipe() if steps is None else recipes.Recipe(hyper=recipes.Hyper(steps=steps))
    with _progress() as report:
        made = recipes.make_policy(learned, recipe, seed=seed, report=report)
    draft = out.with_name(f".{out.name}.draft")
    try:
        draft.write_bytes(made.data)
        draft.replace(out)
    except OSError as error:
        raise InputError(f"--out {out}: it cannot be written ({error.strerror}); write elsewhere.") from error
    policy_inspect(out, output)


def _plans(service: Service, file: Path | None) -> Mapping[str, Any]:
    bundle = None if file is None else read_bundle(file)
    if bundle is not None:
        require_layout(bundle, service.tasks, service.sizes)
    plans: Mapping[str, Any] = _import("besteffort_train.baselines").build_plans(service.sizes, bundle)
    return plans


def _traced(service: Service, trace: Path, factor: float, *, seeds: int, seed: int) -> list[Workload]:
    """Return the trace's arrivals with the tasks and the noise of several seeds."""
    workload = _import("besteffort_sim.workload")
    arrival_s = workload.scaled_trace(read_trace(trace), factor)
    draws = [np.random.default_rng((seed, number)) for number in range(seeds)]
    return [workload.build_workload(arrival_s, len(service.tasks) + 1, service.deadline_s, rng) for rng in draws]


def _evaluation() -> Any:  # noqa: ANN401 - a module
    return _import("besteffort_train.evaluation")


def _import(module: str) -> Any:  # noqa: ANN401 - a module
    """Return a module that needs the extra `train`.

    Raises:
        EnvironmentMissingError: torch, numba or scipy is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        if missing.startswith("besteffort"):
            raise
        raise EnvironmentMissingError(
            f"this command needs {missing}, which is not installed; in a checkout: make dev"
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int, float], None]]:
    """Show a bar while the block runs: on standard error, so that standard output holds the result only."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("", total=None)
        phases: list[str] = []

        def report(phase: str, done: int, total: int, reward: float) -> None:
            if phase not in phases:
                phases.append(phase)
                if not console.is_terminal:
                    console.print(phase)
            known = "" if math.isnan(reward) else f", reward {reward:.3f}"
            bar.update(shown, completed=done, total=total, description=phase + known)

        yield report


def _show(found: Mapping[str, Sequence[Row]], sizes: Sequence[str], output: Output, against: str = "") -> None:
    if output is Output.JSON:
        typer.echo(json.dumps({name: [_as_json(row, sizes) for row in rows] for name, rows in found.items()}))
        return
    for name, rows in found.items():
        console = Console()
        console.print(_table(name, rows, sizes, against))


def _as_json(row: Row, sizes: Sequence[str]) -> dict[str, Any]:
    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    def both(values: Mapping[str, float]) -> dict[str, float | None]:
        return {"mean": finite(values["mean"]), "half_95": finite(values["half"])}

    plain = asdict(row)
    spread = {"reward": both(plain["reward"]), "ahead": both(plain["ahead"]), "p95_s": finite(row.p95_s)}
    return plain | spread | {"shares": dict(zip(sizes, row.shares, strict=True))}


def _table(title: str, rows: Sequence[Row], sizes: Sequence[str], against: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, padding=0)
    headings = ["policy", "reward", *(["ahead"] if against else []), "in time", "refused"]
    for number, heading in enumerate((*headings, "p95 ms", *sizes)):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        # Of two intervals side by side only that of the difference says which is better.
        earned = [f"{row.reward.mean:.3f}", "" if row.policy == against else _spread(row.ahead, "+.3f")]
        shares = (f"{share:.0%}" for share in row.shares)
        p95 = f"{1000 * row.p95_s:.0f}" if math.isfinite(row.p95_s) else "-"
        figures = (f"{row.in_time:.1%}", f"{row.refused:.1%}", p95)
        table.add_row(row.policy, *(earned if against else [_spread(row.reward, ".3f")]), *figures, *shares)
    return table


def _spread(value: Interval, form: str) -> str:
    return f"{value.mean:{form}}" + (f" ± {value.half:.3f}" if math.isfinite(value.half) else "")
