"""What the steps of the end-to-end test share: the cluster, the names in it, and the client's pod."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cluster.binaries import path
from cluster.errors import CommandError

if TYPE_CHECKING:
    from e2e.kubectl import Kubectl

__all__ = ["ROOT", "World"]

ROOT = Path(__file__).parents[2]
RESOURCES = Path(__file__).with_name("resources")


@dataclass
class World:
    """A cluster with the project's images, and what was found out on it so far."""

    kubectl: Kubectl
    images: str
    """Before "-router:e2e" and the others."""
    gpu: str
    """Product of the GPUs, as the nodes' label says it."""
    models: Path | None = None
    """Folder of every node that holds the model repository; None: the copy in Triton's image."""
    rate_rps: float = 20.0
    """Of the requests while something is changed."""
    large_model: str = "large"
    namespace: str = "besteffort-e2e"
    operator_namespace: str = "besteffort-system"
    figures: dict[str, Any] = field(default_factory=dict)

    def helm(self, *words: object) -> str:
        """Run helm and return what it printed.

        Raises:
            CommandError: with helm's own words.
        """
        command = [str(path("helm")), f"--kubeconfig={self.kubectl.kubeconfig}", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"helm {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def resource(self, name: str, **replaced: str) -> list[dict[str, Any]]:
        """Return the objects of a file in resources/, with its words in capitals replaced."""
        models = "pvc://demo-models" if self.models else "file:///opt/besteffort/models"
        words = {
            "MODELS": models,
            "IMAGES": self.images,
            "GPU": self.gpu,
            "NAMESPACE": self.namespace,
            "LARGE": self.large_model,
        }
        words |= replaced
        text = (RESOURCES / name).read_text()
        for word, value in words.items():
            text = text.replace(word, value)
        read = yaml.safe_load(text)
        return list(read["items"]) if read["kind"] == "List" else [read]

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects in the test's namespace."""
        self.kubectl.apply(*objects, namespace=self.namespace)

    def get(self, *words: object) -> Any:
        """Return objects of the test's namespace."""
        return self.kubectl.read(*words, f"--namespace={self.namespace}")

    def patch(self, service: str, spec: dict[str, Any]) -> None:
        """Change fields of a service, as a user's `kubectl patch` does."""
        change = json.dumps({"spec": spec})
        self.kubectl("patch", "bes", service, "--type=merge", "-p", change, f"--namespace={self.namespace}")

    def in_client(self, *words: object, pod: str = "client") -> str:
        """Run a program in the client's pod."""
        return self.kubectl("exec", f"--namespace={self.namespace}", pod, "-c", "client", "--", *words)
