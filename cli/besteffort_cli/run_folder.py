"""One folder for each run of a stack: model repositories, configuration, logs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["make_run_folder"]


def make_run_folder(home: Path, service_name: str) -> Path:
    """Return a new folder, and remove those of processes that are gone."""
    runs = home / "run"
    runs.mkdir(parents=True, exist_ok=True)
    for folder in runs.iterdir():
        process, _, _ = folder.name.partition("-")
        if process.isdecimal() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{service_name}-", dir=runs))
