"""The two ways to print a result."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["Output", "OutputOption"]


class Output(StrEnum):
    """For people or for programs."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", help="table for people, json for programs.")]
