"""What the commands without servers take: their options, the policies and the arrivals that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from besteffort_cli.bundle_file import read_bundle
from besteffort_cli.errors import InputError
from besteffort_cli.extra import import_extra
from besteffort_cli.trace import read_trace
from besteffort_core.bundle import require_layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from besteffort_sim.model import Workload
    from besteffort_train.episodes import Service

__all__ = [
    "MAX_DAYS",
    "BundleOption",
    "FactorOption",
    "ProfileOption",
    "SeedOption",
    "ServiceOption",
    "TraceOption",
    "plans_of",
    "scaled_arrivals",
    "traced_loads",
]

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
    Path | None,
    typer.Option(
        "--bundle", metavar="FILE", help="A policy bundle, as `train` writes it; that of the resource is not read."
    ),
]
TraceOption = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE", help="Arrivals: TIMESTAMP,ContextTokens,GeneratedTokens.")
]
FactorOption = Annotated[
    float, typer.Option("--rate-factor", min=1e-6, max=1e6, help="Play the trace so many times faster.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")]

MAX_DAYS, MAX_DEADLINES = 1, 200_000
"""Of a trace as it is played: what is kept grows with its seconds and with its deadlines, however few arrive."""


def plans_of(service: Service, file: Path | None) -> Mapping[str, Any]:
    """Return the plans of all policies by name, with what a bundle brings.

    Raises:
        InputError: the bundle cannot be read; BundleError: it is refused or is for other tasks or sizes.
    """
    bundle = None if file is None else read_bundle(file)
    if bundle is not None:
        require_layout(bundle, service.tasks, service.sizes)
    plans: Mapping[str, Any] = import_extra("besteffort_train.baselines").build_plans(service.sizes, bundle)
    return plans


def scaled_arrivals(service: Service, trace: Path, factor: float) -> NDArray[np.float64]:
    """Return the seconds of a trace's arrivals from 0 on, so many times faster.

    Raises:
        InputError: the trace is refused, or lasts too long.
    """
    arrival_s: NDArray[np.float64] = import_extra("besteffort_sim.workload").scaled_trace(read_trace(trace), factor)
    longest_s = min(MAX_DAYS * 86_400.0, MAX_DEADLINES * service.deadline_s)
    if arrival_s[-1] > longest_s:
        raise InputError(
            f"{trace} lasts {arrival_s[-1]:.0f} s at --rate-factor {factor:g}, but at most {longest_s:.0f} s can be "
            f"played ({MAX_DAYS} day, or {MAX_DEADLINES} deadlines if that is less); cut it or raise --rate-factor."
        )
    return arrival_s


def traced_loads(service: Service, trace: Path, factor: float, *, seeds: int, seed: int) -> list[Workload]:
    """Return the trace's arrivals with the tasks and the noise of several seeds."""
    workload, arrival_s = import_extra("besteffort_sim.workload"), scaled_arrivals(service, trace, factor)
    draws = [np.random.default_rng((seed, number)) for number in range(seeds)]
    return [workload.build_workload(arrival_s, len(service.tasks) + 1, service.deadline_s, rng) for rng in draws]
