"""Options that were given where they do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import typer

__all__ = ["refuse_idle"]


def refuse_idle(context: typer.Context, idle: Mapping[str, Sequence[str]]) -> None:
    """Refuse an option that was given but does nothing; `idle` has the parameters by the words for where.

    Raises:
        InputError: there is one.
    """
    for where, names in idle.items():
        for name in names:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise InputError(f"--{name.replace('_', '-')} has no effect {where}; leave it out.")
