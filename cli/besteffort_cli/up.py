"""`besteffort up`: run on this machine what the same resource runs on a cluster."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from besteffort_cli.calibrate import find_prompts, measure_stack, write_profile
from besteffort_cli.errors import InputError
from besteffort_cli.faults import faults_of
from besteffort_cli.kept_profile import kept_profile
from besteffort_cli.local_service import load_local_service
from besteffort_cli.preparation import (
    BackendsOption,
    CoresOption,
    ModelsOption,
    PromptsOption,
    ServiceArgument,
    TritonOption,
    confined,
    prepare,
    say,
)
from besteffort_cli.stack import LocalStack
from besteffort_resource.profile import load_profiles

if TYPE_CHECKING:
    from besteffort_cli.local_service import LocalService
    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import Ground
    from besteffort_resource.profile import Profile

__all__ = ["profiles_for", "up"]

ListenOption = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where clients call.")]
MetricsOption = Annotated[str, typer.Option("--metrics", metavar="HOST:PORT", help="Where Prometheus asks.")]
ProfileOption = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="What `calibrate` measured; measured now, and kept, otherwise."),
]


def up(  # noqa: PLR0913 - one parameter for each option
    service: ServiceArgument,
    *,
    listen: ListenOption = "127.0.0.1:8001",
    metrics: MetricsOption = "127.0.0.1:9090",
    profile: ProfileOption = None,
    prompts: PromptsOption = None,
    backend: BackendsOption = None,
    models: ModelsOption = None,
    triton: TritonOption = None,
    cores: CoresOption = "",
) -> None:
    """Run a BestEffortService on this machine, without Kubernetes, until Ctrl-C."""
    for option, address in (("--listen", listen), ("--metrics", metrics)):
        _check_free(option, address)
    local = load_local_service(service, remotes=backend or (), models=models)
    given = _read_profile(profile) if profile else None
    if given is None and _lacks_numbers(local):
        find_prompts(local, prompts)  # refuses before anything is installed
    ground = prepare(local, triton=triton, cores=cores)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with LocalStack(local, ground) as stack:
        profiles = profiles_for(local, stack, ground, prompts) if given is None else given
        router = stack.serve(profiles, listen=listen, metrics=metrics)
        try:
            typer.echo(_ready(local, router, stack.folder))
            threading.Event().wait()
        except KeyboardInterrupt:
            say("Stopping")


def profiles_for(local: LocalService, stack: LocalStack, ground: Ground, prompts: Path | None) -> dict[str, Profile]:
    """Return what the resource lacks of quality and latency: as kept from an earlier calibration, else measured now.

    Raises:
        CliError: there are no prompts to measure with, or a server fails.
    """
    if not _lacks_numbers(local):
        return {}
    asked = find_prompts(local, prompts)
    path = kept_profile(ground.home, local, asked, ground.cores)
    if not path.exists():
        say("Measuring quality and latency of the sizes (once, under a minute)")
        with confined(ground.cores.rest):
            write_profile(path, measure_stack(local, stack, asked))
    say(f"Using the measurements in {path}")
    return _read_profile(path)


def _lacks_numbers(local: LocalService) -> bool:
    return not all(size.quality and size.latency for size in local.service.spec.sizes)


def _read_profile(path: Path) -> dict[str, Profile]:
    with faults_of(path):
        return load_profiles(path)


def _ready(local: LocalService, router: RouterProcess, logs: Path) -> str:
    spec = local.service.spec
    sizes = ", ".join(size.name for size in spec.sizes)
    return (
        f"Ready: {router.address} answers for model {local.service.model_name} (sizes {sizes}; policy "
        f"{spec.policy.kind}; metrics {router.metrics_url})\n"
        "Call it with any Triton (KServe v2) gRPC client: text_input in, text_output out, optional parameters "
        f"deadline_ms and task. Or: {shlex.quote(sys.argv[0])} load {router.address} "
        f"--model {local.service.model_name} --rate-rps 30\n"
        f"Logs until the next start: {logs}"
    )


def _check_free(option: str, address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(f"{option} {address}: write HOST:PORT.")
    try:
        with socket.create_server((host, int(port))):
            pass
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0].rstrip(".")
        raise InputError(f"{option} {address}: cannot listen there ({reason}); choose another.") from error
