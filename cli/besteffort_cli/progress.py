"""A bar on standard error while something long runs, so that standard output holds the result only."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["showing_progress"]


@contextmanager
def showing_progress() -> Iterator[Callable[[str, int, int, float], None]]:
    """Show a bar while the block runs; it takes the phase, steps done and in all, and a reward or NaN."""
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
