"""Run many `besteffort` commands without starting an interpreter for each.

One process imports the command line; each command is a fork of it that calls the entry point of the installed script
with its words, its own output and its own exit status.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER = """
import json, os, sys
from besteffort_cli.app import main
print(flush=True)
for line in sys.stdin:
    words, out, err = json.loads(line)
    child = os.fork()
    if not child:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = words
        try:
            main()
        except SystemExit as end:  # to end as an interpreter does takes longer than most of the commands
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


class Commands:
    """Runs commands in one folder and environment, one after the other."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._files = folder / "stdout", folder / "stderr"
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def run(self, *words: str) -> Done:
        """Run `besteffort` with some words."""
        assert self._server.stdin
        print(json.dumps([["besteffort", *words], *map(str, self._files)]), file=self._server.stdin, flush=True)
        code = int(self._line())
        return Done(code, *(path.read_text() for path in self._files))

    def _line(self) -> str:
        assert self._server.stdout
        return self._server.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()
