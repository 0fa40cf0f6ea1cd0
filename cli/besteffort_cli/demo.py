"""`besteffort demo`: three sizes of a small language model on this machine, static serving against best effort."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from besteffort_cli.calibrate import find_prompts, measure_stack, write_profile
from besteffort_cli.contest import SETTLE_S, Contestant, Course, Score, contestants, run
from besteffort_cli.dataset import read_rows
from besteffort_cli.errors import InputError
from besteffort_cli.kept_profile import kept_profile
from besteffort_cli.local_service import LocalService, load_local_service
from besteffort_cli.output import make_writable, write_whole
from besteffort_cli.preparation import CoresOption, TritonOption, confined, prepare, say
from besteffort_cli.progress import INTERRUPTED
from besteffort_cli.series import Scene
from besteffort_cli.stack import LocalStack
from besteffort_cli.table import as_json, as_table
from besteffort_cli.trace import read_trace
from besteffort_cli.verdict import verdict
from besteffort_cli.window import Window, choose_window
from besteffort_resource.profile import Profile, load_profiles
from besteffort_resource.service import DeadlineMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_cli.dataset import Row
    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import Ground

__all__ = ["demo"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "demo"

ServiceOption = Annotated[
    Path, typer.Option("--service", metavar="FILE", help="The BestEffortService; prompts.jsonl lies beside it.")
]
TraceOption = Annotated[
    Path, typer.Option("--trace", metavar="FILE", help="Arrival times: CSV as of the Azure LLM inference traces.")
]
RoundsOption = Annotated[int, typer.Option(min=1, max=50, help="How often each policy serves the same arrivals.")]
LengthOption = Annotated[float, typer.Option(min=3, max=600, help="Seconds of one turn.")]
PeakOption = Annotated[
    float, typer.Option(min=1, max=2000, help="Most requests in any second: what this load generator can send.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where results.json, the picture and the page go.")
]
SeedOption = Annotated[int, typer.Option(help="Order of the prompts.")]


def demo(  # noqa: PLR0913 - one argument for each option
    *,
    service: ServiceOption = EXAMPLE / "service.yaml",
    trace: TraceOption = EXAMPLE / "trace.csv",
    rounds: RoundsOption = 3,
    length_s: LengthOption = 14.0,
    peak_rps: PeakOption = 350.0,
    seed: SeedOption = 0,
    out: OutOption = None,
    triton: TritonOption = None,
    cores: CoresOption = "",
) -> int:
    """Serve a bursty trace by each size alone, by rules and by the learned policy; show who earned what.

    Starts one Triton per size and the router, measures quality and latency (kept for the next run), chooses a window
    of the trace whose lulls fit the largest size and whose bursts exceed the medium one, and lets the policies take
    turns on it. Every answer is checked. Takes some minutes; all is stopped in the end.
    """
    began_s = time.monotonic()
    local = _read_service(service)
    rows, arrivals_s = read_rows(find_prompts(local, None)), read_trace(trace)
    ground = prepare(local, triton=triton, cores=cores)
    folder = out or ground.home / "demo"
    make_writable(folder)
    say("Starting a Triton server for each size, and the router")
    with LocalStack(local, ground) as stack, confined(ground.cores.rest):
        profiles, capacities_rps = _measured(local, stack, ground)
        router = stack.serve(profiles)
        window = choose_window(arrivals_s, capacities_rps, length_s=length_s, cap_rps=peak_rps)
        course = _course(local, window, rows, rounds, seed)
        entries = contestants(local.service.spec.policy.kind, [size.name for size in local.service.spec.sizes])
        say(_announcement(profiles, capacities_rps, window, course, len(entries)))
        facts = {"setup_s": time.monotonic() - began_s}
        scores = _watched(stack, router, course, entries)
        facts |= {"total_s": time.monotonic() - began_s, "restarts": stack.restarts, "rounds_asked": rounds}
    if not scores:
        raise typer.Abort
    _conclude(folder, local, window, capacities_rps, scores, facts)
    return _told_if_stopped(len(scores[0].rounds), rounds)


def _read_service(path: Path) -> LocalService:
    """Read the service; refuse one whose late answers have a worth, which the demo would not count."""
    if not path.is_file():
        raise InputError(f"--service {path}: there is no such file; run this in a checkout, or name a service.")
    local = load_local_service(path)
    if local.service.spec.deadline.mode is not DeadlineMode.HARD:
        raise InputError(f"{path}: spec.deadline.mode: the demo counts late answers as worth nothing; write Hard.")
    return local


def _told_if_stopped(complete: int, asked: int) -> int:
    """Return the exit status; say so if Ctrl-C ended the contest before its last round."""
    if complete == asked:
        return 0
    say(f"Stopped after {complete} of {_count(asked, 'round')}")
    return INTERRUPTED


def _course(local: LocalService, window: Window, rows: Sequence[Row], rounds: int, seed: int) -> Course:
    deadline_s = local.service.spec.deadline.default_s
    return Course(local.service.model_name, window.arrivals_s, rows, deadline_s, rounds, seed)


def _measured(local: LocalService, stack: LocalStack, ground: Ground) -> tuple[dict[str, Profile], dict[str, float]]:
    """Return profiles and capacities in requests/s by size, as kept from an earlier run, else measured now."""
    asked = find_prompts(local, None)
    path = kept_profile(ground.home, local, asked, ground.cores)
    capacities = path.with_suffix(".capacities.json")
    if not (path.exists() and _as_new(capacities, path)):
        say("Measuring quality and latency of the sizes (once, under a minute)")
        measurements = measure_stack(local, stack, asked)
        write_profile(path, measurements)
        write_whole(capacities, json.dumps({size: found.capacity_rps for size, found in measurements.items()}).encode())
    say(f"Using the measurements in {path}")
    return load_profiles(path), json.loads(capacities.read_text())


def _as_new(capacities: Path, profile: Path) -> bool:
    """Tell whether the capacities belong to the profile, which `besteffort calibrate` may have measured anew."""
    return capacities.exists() and capacities.stat().st_mtime_ns >= profile.stat().st_mtime_ns


def _announcement(
    profiles: Mapping[str, Profile],
    capacities_rps: Mapping[str, float],
    window: Window,
    course: Course,
    policies: int,
) -> str:
    sizes = (
        f"  {size:<8} right {float(profile.quality.default):.0%}, carries {capacities_rps[size]:.0f} requests/s"
        for size, profile in profiles.items()
        if profile.quality
    )
    minutes = policies * course.rounds * (window.length_s + SETTLE_S) / 60
    course_sentence = (
        f"Deadline {1000 * course.deadline_s:.0f} ms, hard. {policies} policies, {_count(course.rounds, 'round')} "
        f"in turns: about {_count(max(1, round(minutes)), 'minute')}."
    )
    return "\n".join(("Measured on this machine:", *sizes, f"Replaying {window.sentence()}", course_sentence))


def _watched(stack: LocalStack, router: RouterProcess, course: Course, entries: Sequence[Contestant]) -> list[Score]:
    """Run the contest while a progress bar shows."""
    per_turn = len(course.arrivals_s)
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("", total=per_turn * len(entries) * course.rounds)
        turns: list[tuple[int, Contestant]] = []

        def progress(number: int, ended: int, entry: Contestant) -> None:
            if (number, entry) not in turns:
                turns.append((number, entry))
            done = per_turn * (len(turns) - 1) + ended
            bar.update(shown, completed=done, description=f"round {number + 1} of {course.rounds}, {entry.name}")

        return run(stack, router, course, entries, progress)


def _conclude(
    folder: Path,
    local: LocalService,
    window: Window,
    capacities_rps: dict[str, float],
    scores: Sequence[Score],
    facts: Mapping[str, float],
) -> None:
    """Print the table and the verdict; write results.json, the picture and the page."""
    # What draws takes as long to load as all the rest.
    from besteffort_cli.page import build_page  # noqa: PLC0415
    from besteffort_cli.picture import draw_png  # noqa: PLC0415

    results = [score.result() for score in scores]
    sizes = tuple(size.name for size in reversed(local.service.spec.sizes))
    title = f"{results[0].name} against static sizes: the same {window.length_s:g} s of a real trace"
    measured = f"{window.sentence()} Each policy served it {_count(len(scores[0].rounds), 'time')}, in turns."
    scene = Scene(title, measured, sizes, capacities_rps, window.length_s, tuple(score.turn() for score in scores))
    draw_png(scene, folder / "demo.png")
    (folder / "demo.html").write_text(build_page(scene, results))
    found = {**facts, "capacities_rps": capacities_rps, "window": _figures(window), "results": as_json(results)}
    (folder / "results.json").write_text(json.dumps(found, indent=1))
    console = Console()
    console.print(as_table(results, title))
    for line in verdict(scores):
        console.print(line, highlight=False)
    say(f"The picture: {folder / 'demo.png'}; the page: {folder / 'demo.html'}; all figures: {folder / 'results.json'}")


def _figures(window: Window) -> dict[str, float]:
    """Return the numbers of a window without its arrivals."""
    return {name: value for name, value in asdict(window).items() if isinstance(value, float)}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
