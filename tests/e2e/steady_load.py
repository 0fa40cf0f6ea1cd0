"""The steady load of a client pod while something else happens."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

from cluster.binaries import path

if TYPE_CHECKING:
    from e2e.world import World

__all__ = ["SteadyLoad"]

WARM_S = 3.0
SETTLE_S = 3.0
END_WITHIN_S = 60.0


class SteadyLoad:
    """Entering starts it and waits until it is warm; leaving stops it; `counts` then says what became of requests."""

    def __init__(self, world: World, *, rate_rps: float, address: str = "assistant:8001") -> None:
        self.counts: dict[str, Any] = {}
        namespace = f"--namespace={world.namespace}"
        # The program says its process id first: to stop it by, since a signal to kubectl does not reach it.
        script = f"echo $$; exec python /opt/demo/steady.py {address} --rate-rps {rate_rps:g}"
        kubectl = [str(path("kubectl")), f"--kubeconfig={world.kubectl.kubeconfig}", namespace]
        self._command = [*kubectl, "exec", "client", "--", "sh", "-c", script]
        self._world = world
        self._process: subprocess.Popen[str] | None = None
        self._pid = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout
        self._pid = self._process.stdout.readline().strip()
        time.sleep(WARM_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        time.sleep(SETTLE_S)
        self._world.in_client("sh", "-c", f"kill -TERM {self._pid}")
        said, _ = self._process.communicate(timeout=END_WITHIN_S)
        self.counts = json.loads(said.splitlines()[-1])

    def check_nothing_failed(self) -> None:
        """Assert that every request was answered.

        Raises:
            AssertionError: with counts and the last failures.
        """
        counts = self.counts
        assert counts["offered"] == counts["answered"], f"not every request was answered: {json.dumps(counts)}"
