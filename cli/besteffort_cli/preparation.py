"""What every command that runs servers here does first: read the service, find a Triton, divide the cores."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from besteffort_cli.bundle_file import read_bundle
from besteffort_cli.cores import split_cores
from besteffort_cli.errors import InputError
from besteffort_cli.installation import HOME, find_or_install, home_folder, own_triton
from besteffort_cli.output import make_writable
from besteffort_cli.stack import Ground
from besteffort_cli.triton import is_ready
from besteffort_core.bundle import require_kind, require_layout
from besteffort_resource.policy import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from besteffort_cli.local_service import LocalService

__all__ = [
    "BackendsOption",
    "CoresOption",
    "ModelsOption",
    "PromptsOption",
    "ServiceArgument",
    "TritonOption",
    "confined",
    "find_ground",
    "prepare",
    "say",
]

ServiceArgument = Annotated[Path, typer.Argument(metavar="SERVICE.YAML", help="The BestEffortService to run.")]
BackendsOption = Annotated[
    list[str] | None,
    typer.Option("--backend", metavar="SIZE=HOST:PORT", help="A Triton that runs elsewhere; repeat for each size."),
]
ModelsOption = Annotated[
    Path | None, typer.Option("--models", metavar="DIR", help="Model repository here, instead of the resource's uri.")
]
TritonOption = Annotated[
    Path | None, typer.Option("--triton", metavar="PATH", help="Your own tritonserver, instead of the embedded one.")
]
CoresOption = Annotated[
    str, typer.Option("--cores", metavar="N,..", help="Cores for the model servers; the last one when left out.")
]
PromptsOption = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="Prompts with answers; prompts.jsonl beside the service otherwise."),
]


def prepare(local: LocalService, *, triton: Path | None, cores: str) -> Ground:
    """Return what the servers of a service and its router stand on, once its policy bundle is found sound or missing.

    Raises:
        CliError: an option or the bundle is refused, or Triton cannot run here.
    """
    _check_bundle(local)
    return find_ground(local, triton=triton, cores=cores)


def find_ground(local: LocalService, *, triton: Path | None, cores: str) -> Ground:
    """Return what the servers of a service stand on; install the embedded Triton if it is needed and missing.

    Raises:
        CliError: an option is refused, or Triton cannot run here.
    """
    home, split = home_folder(), split_cores(cores)
    # Refuse what will not do before anything is installed.
    for size in local.embedded:
        local.model_folder(size)
    _check_remotes(local)
    make_writable(home, HOME)
    if not local.embedded:
        return Ground(home, split, None, say)
    installation = own_triton(triton) if triton else find_or_install(home, say)
    return Ground(home, split, installation, say)


def _check_remotes(local: LocalService) -> None:
    for size in local.service.spec.sizes:
        address = local.remotes.get(size.name)
        if address and not is_ready(address, [size.triton_model]):
            raise InputError(
                f"--backend {size.name}={address}: no Triton with the model {size.triton_model} is ready there; "
                "start it first, or give its gRPC address."
            )


def _check_bundle(local: LocalService) -> None:
    spec, path = local.service.spec, local.bundle_path()
    if spec.policy.canary:
        say("spec.policy.canary: one router runs here, and spec.policy.bundle is what it reads")
    if not spec.policy.bundle:
        return
    if not (path and Path(path).exists()):
        missing = f"there is no {path}" if path else "what a cluster holds cannot be read here"
        # Learned has numbers of its own, but not in place of a file that a router is told to read.
        replaced = (PolicyKind.LEARNED, PolicyKind.DQN) if path else (PolicyKind.DQN,)
        ruling = spec.policy.fallback if spec.policy.kind in replaced else spec.policy.kind
        say(f"spec.policy.bundle: {missing}; until it is there {ruling} rules")
        return
    bundle = read_bundle(Path(path))
    require_layout(bundle, spec.tasks, [size.name for size in spec.sizes])
    require_kind(bundle, spec.policy.kind)


@contextmanager
def confined(cores: Collection[int]) -> Iterator[None]:
    """Keep this thread, and threads that it starts, on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def say(sentence: str) -> None:
    """Print what a user should know but a program need not read."""
    typer.echo(sentence, err=True)
