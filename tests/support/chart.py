"""Render the chart with the real helm, and pick from what comes out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster import binaries
from cluster.errors import MissingProgramError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster.access import Cluster

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "besteffort"
SAMPLES = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))
NAMESPACE = "besteffort-system"
EVERYTHING = {
    "webhook": {"enabled": True},
    "metrics": {"monitor": {"enabled": True}, "rules": {"enabled": True}, "dashboards": {"enabled": True}},
}
"""All that the chart can make."""


def program(name: str) -> str:
    """Where a program is; the test is skipped with the reason where it cannot be."""
    try:
        return str(binaries.path(name))
    except MissingProgramError as missing:
        pytest.skip(str(missing))


def run(name: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is."""
    command = [program(name), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)


def template(values: object = None, *flags: str, release: str = "besteffort") -> subprocess.CompletedProcess[str]:
    """Render the chart with values of ours, as a fresh install would."""
    given = ["--values", "-", *flags, "--namespace", NAMESPACE]
    return run("helm", "template", release, str(CHART), *given, text=json.dumps(values or {}))


def render(values: object = None, *flags: str, release: str = "besteffort") -> list[dict[str, Any]]:
    """The manifests of the chart with values of ours; they must be fine."""
    done = template(values, *flags, release=release)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def of_kind(manifests: Iterable[dict[str, Any]], kind: str, suffix: str = "") -> dict[str, Any]:
    """The one manifest of a kind whose name ends so."""
    found = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"].endswith(suffix)]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


class Helm:
    """helm on one cluster."""

    def __init__(self, server: Cluster) -> None:
        self.server = server

    def __call__(self, *arguments: str, values: object = None, namespace: str = NAMESPACE) -> str:
        done = self.tried(*arguments, values=values, namespace=namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(
        self, *arguments: str, values: object = None, namespace: str = NAMESPACE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        given = [] if values is None else ["--values", "-"]
        target = ["--kubeconfig", str(self.server.kubeconfig), "--namespace", namespace]
        return run("helm", *arguments, *given, *target, text=json.dumps(values))

    def releases(self) -> list[tuple[str, str]]:
        """The releases as name and namespace."""
        found = json.loads(self("list", "--all-namespaces", "--output", "json"))
        return [(release["name"], release["namespace"]) for release in found]
