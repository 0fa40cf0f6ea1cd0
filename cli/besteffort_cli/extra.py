"""Modules of packages that are only there with the extra `train`."""

from __future__ import annotations

import importlib
from typing import Any

from besteffort_cli.errors import EnvironmentMissingError

__all__ = ["import_extra"]


def import_extra(module: str) -> Any:  # noqa: ANN401 - a module
    """Return a module that needs the extra `train`.

    Raises:
        EnvironmentMissingError: numba or scipy is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        if missing.startswith("besteffort"):
            raise
        raise EnvironmentMissingError(
            f"this command needs {missing}, which is not installed; in a checkout: make dev"
        ) from error
