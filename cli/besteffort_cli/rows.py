"""The figures of policies on loads, one row a policy, for a terminal or as JSON. It computes none of them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from besteffort_cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_sim.model import Workload
    from besteffort_train.evaluation import Interval, Row

__all__ = ["show_rows"]


def show_rows(
    found: Mapping[str, Sequence[Row]],
    loads: Mapping[str, Sequence[Workload]],
    sizes: Sequence[str],
    output: Output,
    against: str = "",
) -> None:
    """Print each load's rows, for people as tables; `against` is the policy that the others are compared with."""
    if output is Output.JSON:
        typer.echo(json.dumps({name: [_as_json(row, sizes) for row in rows] for name, rows in found.items()}))
        return
    for name, rows in found.items():
        console = Console()
        console.print(_table(f"{name}, {_asked(loads[name])}", rows, sizes, against))


def _asked(drawn: Sequence[Workload]) -> str:
    """Return how much is asked, in the mean of all draws."""
    requests = sum(load.arrival_s.size for load in drawn)
    seconds = sum(float(load.arrival_s[-1]) for load in drawn)
    rate = f", {requests / seconds:.3g} a second" if seconds else ""
    return f"{requests / len(drawn):,.0f} requests{rate}"


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
