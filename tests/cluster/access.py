"""Talk to a cluster through a kubeconfig, whoever started it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

from cluster import binaries
from cluster.errors import CommandError

__all__ = ["Cluster", "write_kubeconfig"]


class Cluster:
    """A cluster that a kubeconfig leads to, as the user that it names."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    @cached_property
    def folder(self) -> Path:
        """Where to keep what belongs to this cluster; `close` removes it."""
        return Path(mkdtemp(prefix="besteffort-cluster-"))

    @property
    def url(self) -> str:
        """The API server's address."""
        return self.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")

    def kubectl(self, *arguments: str, input: str | None = None, timeout_s: float = 120.0) -> str:  # noqa: A002
        """Run kubectl and return its output.

        Raises:
            CommandError: with what kubectl wrote to its standard error.
        """
        command = [str(binaries.path("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        environment = os.environ | {"KUBECACHEDIR": str(self.folder / "kubectl-cache")}
        done = subprocess.run(
            command, input=input, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode:
            raise CommandError(done.stderr.strip())
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return the object, or the list of objects, that `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Server-side apply manifests, in one call."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "--server-side", "--field-manager=tests", "-f", "-", input=json.dumps(listed))

    def kubeconfig_of(self, service_account: str, namespace: str) -> Path:
        """Write a kubeconfig with a token of a service account, good for a day."""
        token = self.kubectl("create", "token", service_account, "-n", namespace, "--duration=24h").strip()
        view = json.loads(self.kubectl("config", "view", "--minify", "--raw", "-o", "json"))
        path = self.folder / f"{namespace}-{service_account}.kubeconfig"
        return write_kubeconfig(path, view["clusters"][0]["cluster"], token, namespace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was kept for this cluster."""
        shutil.rmtree(self.folder, ignore_errors=True)


def write_kubeconfig(path: Path, cluster: dict[str, Any], token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig for one cluster and one token; JSON is YAML."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))
    return path
