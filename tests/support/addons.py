"""The definitions that add-ons bring to a cluster, as their projects publish them, from Go modules pinned by sum."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROMETHEUS = (
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    "example/prometheus-operator-crd",
    ("podmonitors", "servicemonitors", "prometheusrules"),
)
KEDA = (
    "github.com/kedacore/keda/v2@v2.17.2",
    "h1:xlrcK5TKABJF9PebK79sgL07s/csGjL3H4m72OkZXxk=",
    "config/crd/bases",
    ("scaledobjects",),
)


def definitions() -> list[dict[str, Any]]:
    """CustomResourceDefinitions of PodMonitor, ServiceMonitor, PrometheusRule and ScaledObject; skips without Go."""
    return [one for module in (PROMETHEUS, KEDA) for one in _of(*module)]


def _of(module: str, checksum: str, folder: str, plurals: tuple[str, ...]) -> list[dict[str, Any]]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("the definitions of add-ons come as Go modules: install Go 1.26 or later")
    done = subprocess.run([go, "mod", "download", "-json", module], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    if "Error" in answer:
        pytest.skip(f"{module} cannot be fetched: {answer['Error']}")
    assert answer["Sum"] == checksum, f"{module} is not what was pinned"
    found = sorted((Path(answer["Dir"]) / folder).glob("*.yaml"))
    return [yaml.safe_load(path.read_text()) for path in found if path.stem.rpartition("_")[2] in plurals]
