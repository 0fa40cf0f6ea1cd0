"""A policy bundle on this machine: read as a whole and checked, or refused in one sentence that names the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_cli.errors import InputError
from besteffort_core.bundle import MAX_BYTES, parse_bundle
from besteffort_core.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_core.bundle import Bundle

__all__ = ["read_bundle"]


def read_bundle(path: Path) -> Bundle:
    """Return the checked bundle in a file.

    Raises:
        InputError: it cannot be read, is too large, or is refused.
    """
    try:
        found = path.stat().st_size
        if found > MAX_BYTES:
            raise InputError(f"{path}: {found} bytes, more than the {MAX_BYTES} allowed; is this the right file?")
        return parse_bundle(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a policy bundle.") from error
    except BundleError as error:
        raise InputError(f"{path}: {str(error).removeprefix('policy bundle: ')}") from error
