"""Where a calibration leaves its profile for the next start with the same models, prompts and cores."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from besteffort_cli.cores import CoreSplit
    from besteffort_cli.local_service import LocalService

__all__ = ["kept_profile"]


def kept_profile(home: Path, local: LocalService, prompts: Path, cores: CoreSplit) -> Path:
    """Return where the profile of these sizes, measured with these prompts on so many cores, belongs."""
    digest = hashlib.sha256()
    for part in _marks(local, prompts, cores):
        digest.update(part.encode())
        digest.update(b"\0")
    return home / "profiles" / f"{local.service.metadata.name}-{digest.hexdigest()[:12]}.yaml"


def _marks(local: LocalService, prompts: Path, cores: CoreSplit) -> Iterator[str]:
    yield f"cores {len(cores.servers)}"
    yield f"tasks {local.service.spec.tasks}"
    yield _mark(prompts)
    for size in local.service.spec.sizes:
        yield f"size {size.name} {size.triton_model} {local.remotes.get(size.name, '')}"
        if size in local.embedded:
            files = sorted(path for path in local.model_folder(size).rglob("*") if path.is_file())
            yield from (_mark(path) for path in files if "__pycache__" not in path.parts)


def _mark(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"
