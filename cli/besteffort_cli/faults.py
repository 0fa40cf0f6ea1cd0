"""Faults of a YAML file as sentences that say which file it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from besteffort_cli.errors import InputError
from besteffort_resource.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["faults_of", "name_faults"]


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn what is refused while reading a file into InputError, each sentence with the file's name."""
    try:
        yield
    except ResourceError as error:
        raise InputError("\n".join(name_faults(path, error))) from error


def name_faults(path: Path, error: ResourceError) -> list[str]:
    """Return the sentences of an error, each with the file's name."""
    return [fault if fault.startswith(str(path)) else f"{path}: {fault}" for fault in error.sentences]
