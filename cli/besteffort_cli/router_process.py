"""The router on this machine: the configuration file that it watches, its process, and whether it took the file."""

from __future__ import annotations

import hashlib
import http.client
import re
import select
import sys
import time
from threading import Event
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson

from besteffort_cli.errors import ServerError
from besteffort_cli.process import KeptProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from besteffort.v1 import config_pb2

__all__ = ["RouterProcess"]

LISTENS_WITHIN_S = 30.0
TAKES_WITHIN_S = 15.0
LOOK_S = 0.05
LISTENING = re.compile(r"listening grpc=(\S+) metrics=(\S+)")
CONFIG_INFO = re.compile(r'besteffort_router_config_info\{[^}]*digest="([0-9a-f]+)"[^}]*\} 1')


class RouterProcess:
    """One router; after its first start it keeps its two addresses."""

    title = "the router"

    def __init__(self, folder: Path, *, listen: str, metrics: str, cores: Collection[int] = ()) -> None:
        self._config = folder / "router.json"
        self._log = folder / "router.log"
        self._cores = cores
        self._process: KeptProcess | None = None
        self._digest = ""
        self.address = listen
        """host:port for clients; with port 0 the real one is known once it is ready."""
        self.metrics_address = metrics

    @property
    def metrics_url(self) -> str:
        """Return the URL of its metrics."""
        return f"http://{self.metrics_address}/metrics"

    def write(self, config: config_pb2.RouterConfig) -> None:
        """Put a configuration in place, as a whole."""
        content = MessageToJson(config).encode()
        draft = self._config.with_suffix(".tmp")
        draft.write_bytes(content)
        draft.rename(self._config)
        self._digest = hashlib.sha256(content).hexdigest()[:12]

    def start(self) -> None:
        """Start the process on the configuration written last."""
        command = [sys.executable, "-P", "-m", "besteffort_router", "--config", str(self._config)]
        command += ["--listen", self.address, "--metrics", self.metrics_address, "--drain-s", "2"]
        self._process = KeptProcess(command, log=self._log, cores=self._cores, piped=True)

    def wait_until_ready(self, cancelled: Event) -> None:
        """Return when it listens and has a ready server for at least one size, or when `cancelled` is set.

        Raises:
            ServerError: it ended, or did not listen in time.
        """
        give_up_at = time.monotonic() + LISTENS_WITHIN_S
        while not cancelled.is_set():
            line = self._line()
            if listening := LISTENING.search(line):
                self.address, self.metrics_address = listening.groups()
                self._wait_until(self._is_ready, "found no ready server", cancelled)
                return
            if line or time.monotonic() > give_up_at or self.exit_code() is not None:
                raise ServerError(f"The router did not start: {self._said()} (log: {self._log}).")

    def wait_until_taken(self) -> None:
        """Return when the configuration written last is in force.

        Raises:
            ServerError: the router refused it, or does not answer.
        """
        self._wait_until(self._has_taken, "did not take its new configuration", Event())

    def exit_code(self) -> int | None:
        """Return the exit status, 128 + n after signal n; None while it runs."""
        assert self._process
        return self._process.exit_code()

    def ask_to_stop(self) -> None:
        """Begin to stop; `stop` must follow."""
        if self._process:
            self._process.ask_to_stop()

    def stop(self) -> None:
        """Stop the router."""
        if self._process:
            self._process.stop()

    def _wait_until(self, holds: Callable[[], bool], otherwise: str, cancelled: Event) -> None:
        give_up_at = time.monotonic() + TAKES_WITHIN_S
        while not holds():
            if self.exit_code() is not None:
                raise ServerError(f"The router ended: {self._said()} (log: {self._log}).")
            if time.monotonic() > give_up_at:
                raise ServerError(f"The router {otherwise} in {TAKES_WITHIN_S:.0f} s (log: {self._log}).")
            if cancelled.wait(LOOK_S):
                return

    def _line(self) -> str:
        """Return the next line of standard output, empty if none comes soon."""
        assert self._process
        readable, _, _ = select.select([self._process.stdout], [], [], LOOK_S)
        return self._process.stdout.readline().decode(errors="replace") if readable else ""

    def _is_ready(self) -> bool:
        return self._get("/readyz")[0] == http.HTTPStatus.OK

    def _has_taken(self) -> bool:
        found = CONFIG_INFO.search(self._get("/metrics")[1])
        return found is not None and found[1] == self._digest

    def _get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page of the metrics address; status 0 if there is none."""
        connection = http.client.HTTPConnection(self.metrics_address, timeout=2)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def _said(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n") if self._log.exists() else []
        return ([line.strip() for line in lines if line.strip()] or ["it said nothing"])[-1]
