"""A server process on given cores that cannot outlive this one: the parent's side of keeper.py."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

__all__ = ["KeptProcess"]

GRACE_S = 5.0
"""Between SIGTERM and SIGKILL."""


class KeptProcess:
    """A running command; its output goes to a log file, with `piped` its standard output to `stdout` instead."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cores: Collection[int] = (),
        environment: Mapping[str, str] | None = None,
        shm_prefix: str = "",
        piped: bool = False,
    ) -> None:
        keeper = [sys.executable, "-P", "-m", "besteffort_cli.keeper", f"--grace-s={GRACE_S}"]
        keeper += [f"--cores={','.join(map(str, sorted(cores)))}", f"--shm-prefix={shm_prefix}", "--"]
        # `env` sets the variables, so that they reach the command and not the keeper's own interpreter.
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        with log.open("ab") as file:
            self._popen = subprocess.Popen(  # noqa: S603 - a command of ours
                [*keeper, "env", *variables, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if piped else file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def stdout(self) -> IO[bytes]:
        """Return the command's standard output; only when piped."""
        assert self._popen.stdout
        return self._popen.stdout

    def exit_code(self) -> int | None:
        """Return the command's exit status, 128 + n after signal n; None while it runs."""
        code = self._popen.poll()
        return code if code is None or code >= 0 else 128 - code

    def stop(self) -> None:
        """End the command and everything that it started; do nothing if it has ended."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_S + 2.0)
        self._popen.kill()
        self._popen.wait()
        if self._popen.stdout:
            self._popen.stdout.close()

    def ask_to_stop(self) -> None:
        """Begin to end the command, without waiting; `stop` must follow."""
        assert self._popen.stdin
        self._popen.stdin.close()
