"""`besteffort simulate` and `train`: policies without servers. Decides nothing itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from besteffort_cli.errors import InputError
from besteffort_cli.extra import import_extra
from besteffort_cli.inspection import policy_inspect
from besteffort_cli.learning_inputs import (
    MAX_DAYS,
    BundleOption,
    FactorOption,
    ProfileOption,
    SeedOption,
    ServiceOption,
    TraceOption,
    plans_of,
    traced_loads,
)
from besteffort_cli.learning_service import load_learning_service
from besteffort_cli.options import refuse_idle
from besteffort_cli.output import Output, OutputOption, check_file, write_whole
from besteffort_cli.progress import COMPILING, end_at_interrupt, showing_progress
from besteffort_cli.rows import show_rows
from besteffort_cli.trace import MAX_ARRIVALS
from besteffort_core.policy import Kind

if TYPE_CHECKING:
    from besteffort_sim.model import Workload
    from besteffort_train.episodes import Service

__all__ = ["Trainable", "simulate", "train"]

IDLE = {
    "with --trace": ("rate_rps", "length_s"),
    "without --trace": ("rate_factor",),
    "with --kind DQN": ("rounds",),
}
"""Options of `simulate` that do nothing, by where."""


class Trainable(StrEnum):
    """The kinds that a network decides for."""

    LEARNED = Kind.LEARNED.value
    DQN = Kind.DQN.value


def simulate(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
    *,
    service: ServiceOption,
    profile: ProfileOption = None,
    policy: Annotated[str, typer.Option(help="Learned, DQN, Price, Ladder, Greedy, ... or 'Static SIZE'.")] = "Learned",
    bundle: BundleOption = None,
    rate_rps: Annotated[float, typer.Option(min=0.001, help="Poisson arrivals per second, without --trace.")] = 50.0,
    length_s: Annotated[float, typer.Option(min=0.1, max=MAX_DAYS * 86_400, help="Length, without --trace.")] = 60.0,
    trace: TraceOption = None,
    rate_factor: FactorOption = 1.0,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Play one policy against one load, without servers: what would become of the requests?

    A minute of load takes milliseconds (the first call compiles the simulator, a minute or two). It decides with the
    very code of the router, and shares devices as real servers do.

    Example: besteffort simulate --service service.yaml --profile profile.yaml --rate-rps 200 --policy Price
    """
    where = "without --trace" if trace is None else "with --trace"
    refuse_idle(context, {where: IDLE[where]})
    end_at_interrupt(context)
    evaluation = import_extra("besteffort_train.evaluation")
    learned = load_learning_service(service, profile)
    plans = plans_of(learned, bundle)
    if policy not in plans:
        raise InputError(f"--policy {policy}: write one of {', '.join(plans)}; DQN needs a --bundle of that kind.")
    if trace is None and rate_rps * length_s > MAX_ARRIVALS:
        raise InputError(f"--rate-rps times --length-s is more than {MAX_ARRIVALS} requests; lower one of them.")
    if trace is None:
        loads = [_poisson_load(learned, rate_rps, length_s, seed)]
    else:
        loads = traced_loads(learned, trace, rate_factor, seeds=1, seed=seed)
    with showing_progress() as report:
        report(f"simulating{COMPILING}", 0, 1, np.nan)
        rows = evaluation.compare(learned, {policy: plans[policy]}, loads, against=policy)
    show_rows({"load": rows}, {"load": loads}, learned.sizes, output)


def _poisson_load(service: Service, rate_rps: float, length_s: float, seed: int) -> Workload:
    workload, rng = import_extra("besteffort_sim.workload"), np.random.default_rng((seed, 0))
    arrival_s = workload.draw_arrivals(workload.Poisson(rate_rps), max(round(rate_rps * length_s), 1), rng)
    drawn: Workload = workload.build_workload(arrival_s, len(service.tasks) + 1, service.deadline_s, rng)
    return drawn


def train(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
    *,
    service: ServiceOption,
    profile: ProfileOption = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the policy goes; replaced as a whole.")] = Path(
        "policy.safetensors"
    ),
    kind: Annotated[
        Trainable, typer.Option(help="What a network decides for; DQN is the paper's.")
    ] = Trainable.LEARNED,
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rounds of the search for Learned, the most for a rule; fewer for a try.", show_default=False
        ),
    ] = None,
    seed: SeedOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Train the policy of a service in the simulator: some minutes on two cores, no GPU.

    Tunes the rules (Price, Ladder), searches the scorer of Learned by CMA-ES, or trains the DQN, on random loads,
    machines and deadlines around the service, and writes all into one file, with the mean reward of every policy on
    loads that training did not see. The same service, seed and versions give the same file. Name it in
    spec.policy.bundle, with that kind in spec.policy.kind.

    Example: besteffort train --service service.yaml --profile profile.yaml --out policy.safetensors
    """
    if kind is Trainable.DQN:
        refuse_idle(context, {"with --kind DQN": IDLE["with --kind DQN"]})
    end_at_interrupt(context)
    recipes = import_extra("besteffort_train.recipe")
    learned = load_learning_service(service, profile)
    check_file(out)
    recipe = recipes.Recipe() if rounds is None else recipes.Recipe().searched_for(rounds)
    with showing_progress() as report:
        made = recipes.make_policy(learned, recipe, kind=Kind(kind), seed=seed, report=report)
    write_whole(out, made.data)
    policy_inspect(out, output)
