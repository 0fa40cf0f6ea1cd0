"""The official kubectl on one cluster: what a user would type, and what came of it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from cluster.binaries import path
from cluster.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Kubectl"]


class Kubectl:
    """Every call raises CommandError with kubectl's own words if it fails."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *words: object, given: str = "") -> str:
        """Run kubectl with these words and return what it printed."""
        command = [str(path("kubectl")), f"--kubeconfig={self.kubeconfig}", *map(str, words)]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"kubectl {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Apply objects as one list."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--server-side", "--namespace", namespace, "-f", "-", given=json.dumps(listed))

    def read(self, *words: object) -> Any:
        """Return what `kubectl get` gives as JSON."""
        return json.loads(self("get", *words, "--output=json"))

    def wait(self, what: Sequence[object], until: str, within_s: float) -> None:
        """Wait for a condition."""
        self("wait", *what, f"--for={until}", f"--timeout={within_s:g}s")
