"""`besteffort validate`: read a resource offline, as the operator will, and say what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads annotations
from typing import Annotated, Any

import typer
from rich.console import Console

from besteffort_cli.faults import name_faults
from besteffort_cli.output import Output, OutputOption
from besteffort_resource.document import load_service
from besteffort_resource.errors import ResourceError

__all__ = ["validate"]


def validate(
    service: Annotated[Path, typer.Argument(help="The BestEffortService, a YAML or JSON file.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Check a BestEffortService without a cluster: each fault is one sentence with its field and the fix.

    Exit status 1 if there is any.
    """
    try:
        found = load_service(service)
    except ResourceError as error:
        faults = name_faults(service, error)
        _say(output, {"valid": False, "faults": faults}, faults)
        raise typer.Exit(1) from error
    sizes = [size.name for size in found.spec.sizes]
    kind = found.spec.policy.kind.value
    sentence = f"{service}: valid; model {found.model_name}, sizes {', '.join(sizes)}, policy {kind}"
    _say(output, {"valid": True, "modelName": found.model_name, "sizes": sizes, "policy": kind}, [sentence])


def _say(output: Output, values: dict[str, Any], sentences: list[str]) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps(values))
        return
    for sentence in sentences:
        Console(stderr=not values["valid"], soft_wrap=True, highlight=False).print(sentence, markup=False)
