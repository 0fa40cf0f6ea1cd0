"""Render the chart into the plain manifests for those who use no Helm: what is here is what `helm install` makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

__all__ = ["NAMESPACE", "install"]

CHART = Path(__file__).with_name("besteffort")
NAMESPACE = "besteffort-system"
HEAD = """\
# The operator of BestEffortService without Helm: kubectl apply --server-side --filename install.yaml
# Made by `make manifests` from charts/besteffort; a test compares. docs/install.md says how to name your own images.
"""


def install(helm: str) -> str:
    """Return manifests/install.yaml.

    Args:
        helm: the program.

    Raises:
        CalledProcessError: helm refuses the chart.
    """
    command = [helm, "template", "besteffort", str(CHART), "--namespace", NAMESPACE, "--skip-tests"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    manifests = [_plain(manifest) for manifest in yaml.safe_load_all(text) if manifest]
    manifests.sort(key=lambda manifest: manifest["kind"] != "CustomResourceDefinition")
    labels = {"app.kubernetes.io/part-of": "besteffort", "pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    return HEAD + yaml.safe_dump_all([namespace, *manifests], sort_keys=False, width=120)


def _plain(manifest: dict[str, Any]) -> dict[str, Any]:
    """Take away what only Helm reads."""
    metadata = manifest["metadata"]
    metadata.get("annotations", {}).pop("helm.sh/resource-policy", None)
    if not metadata.get("annotations", {"": ""}):
        del metadata["annotations"]
    for labels in _labels(manifest):
        labels.pop("helm.sh/chart", None)
        labels.pop("app.kubernetes.io/managed-by", None)
    return manifest


def _labels(manifest: object) -> list[dict[str, str]]:
    if isinstance(manifest, list):
        return [labels for one in manifest for labels in _labels(one)]
    if not isinstance(manifest, dict):
        return []
    own = [manifest["labels"]] if isinstance(manifest.get("labels"), dict) else []
    return own + [labels for one in manifest.values() for labels in _labels(one)]


if __name__ == "__main__":
    sys.stdout.write(install(sys.argv[1]))
