"""`besteffort status`: one report that answers why a service on a cluster is not ready."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from besteffort_cli.access import ContextOption, KubeconfigOption, NamespaceOption, find_place, live_service, reached
from besteffort_cli.output import Output, OutputOption
from besteffort_cli.service_report import as_mapping, lines, report_of
from besteffort_operator.errors import ForbiddenError
from besteffort_operator.kinds import EVENT

if TYPE_CHECKING:
    from besteffort_cli.access import Place
    from besteffort_cli.service_report import ServiceReport

__all__ = ["status"]

NameArgument = Annotated[str, typer.Argument(help="Name of the BestEffortService.")]


def status(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say how a BestEffortService on a cluster stands: why it is not ready, and what to do about it.

    Shows its conditions, sizes, policy, scaling and last events.
    Needs the right to read BestEffortServices, and to list events for those.
    Exit status 1 while it is not ready.
    """
    report = asyncio.run(_read(find_place(kubeconfig, context, namespace), name))
    if output is Output.JSON:
        typer.echo(json.dumps(as_mapping(report)))
    else:
        console = Console(highlight=False)
        for line in lines(report, datetime.now(UTC)):
            console.print(line)
    if not report.ready:
        raise typer.Exit(1)


async def _read(place: Place, name: str) -> ServiceReport:
    async with reached(place) as cluster:
        service = await live_service(cluster, place, name)
        try:
            events = await cluster.list(EVENT, place.namespace)
        except ForbiddenError:
            events = None
        return report_of(service, events)
