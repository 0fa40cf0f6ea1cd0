"""What is shown on standard error while something long runs, standard output being for the result; and its end."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import typer

__all__ = ["COMPILING", "INTERRUPTED", "end_at_interrupt", "showing_progress"]

INTERRUPTED = 130
"""The exit status after Ctrl-C."""
COMPILING = " (the first time it compiles, for a minute or two)"
"""What is said of the first phase that simulates, where nothing else would show for as long."""


def end_at_interrupt(verb: typer.Context) -> None:
    """Let Ctrl-C end the process at once while a verb runs: an exception that reaches compiled code crashes it.

    A verb that asks for this keeps what it finishes as it finishes it, or nothing.
    """

    def end(_number: int, _frame: object) -> None:
        console = Console(stderr=True)
        console.show_cursor()
        console.print("besteffort: stopped", highlight=False)
        sys.stderr.flush()
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    verb.call_on_close(lambda: signal.signal(signal.SIGINT, before))


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
