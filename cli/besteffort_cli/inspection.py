"""`besteffort policy inspect`: what a policy bundle says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from besteffort_cli.bundle_file import read_bundle
from besteffort_cli.output import Output, OutputOption
from besteffort_core.scorer import Scorer

if TYPE_CHECKING:
    from besteffort_core.bundle import Bundle

__all__ = ["policy_inspect"]


BundleArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A policy bundle.", show_default=False)]


def policy_inspect(
    file: BundleArgument,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what a policy bundle is: its digest, its kind, what it was trained on, and how well it did.

    One of kind Learned serves any sizes and tasks, one of kind DQN those that it was trained for.

    Reads data only: nothing in a bundle can run.
    """
    bundle = read_bundle(file)
    facts: dict[str, Any] = {
        "digest": bundle.digest,
        "kind": bundle.kind,
        "tasks": list(bundle.tasks),
        "sizes": list(bundle.sizes),
        **_shape(bundle),
        "price": [round(float(number), 4) for number in bundle.price],
        "ladder": [round(float(number), 4) for number in bundle.ladder],
        "trained": dict(bundle.trained),
        "results": dict(bundle.results),
    }
    if output is Output.JSON:
        typer.echo(json.dumps(facts))
        return
    table = Table(title=str(file), title_justify="left", show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if isinstance(value, dict):
            for inner, values in value.items():
                table.add_row(f"{name}.{inner}", _text(values))
        else:
            table.add_row(name, _text(value))
    Console().print(table)


def _shape(bundle: Bundle) -> dict[str, Any]:
    """Return how many numbers the network sees, and the widths of its hidden layers."""
    network = bundle.network
    if isinstance(network, Scorer):
        return {"inputs": int(network.inner.shape[0]), "hidden": [int(network.inner_bias.size)]}
    return {"inputs": int(network.w1.shape[0]), "hidden": [int(network.b1.size), int(network.b2.size)]}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_text(inner)}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
