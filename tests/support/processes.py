"""Look at the processes of this machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def processes_with(word: str) -> list[int]:
    """The living processes whose command line contains a word, but for this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if word.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return sorted(found)


def is_keeper(process: int) -> bool:
    """Whether a process keeps another for its parent."""
    return b"besteffort_cli.keeper\0" in Path(f"/proc/{process}/cmdline").read_bytes()
