"""Fixtures: a real Kubernetes for the whole session, started for the first test that asks; a namespace for each test.

`api_server` has no controllers: nothing there acts on what a test writes. `control_plane` is a second one that has.
With --kubeconfig both are that cluster, and what only a control plane of ours can do skips the test.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from cluster import binaries
from cluster.access import Cluster
from cluster.control_plane import ApiServer, ControlPlane
from cluster.errors import MissingProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("etcd", "kube-apiserver", "kubectl")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")


class GivenCluster(Cluster):
    """The cluster that --kubeconfig names."""

    def __getattr__(self, name: str) -> NoReturn:
        """Skip a test that wants what this cluster cannot do, such as to stop."""
        if name.startswith("_"):
            raise AttributeError(name)
        pytest.skip(f"`{name}` needs a control plane that the tests start themselves: leave out --kubeconfig")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kubeconfig", type=Path, help="run the cluster tests on this cluster instead of one of their own"
    )


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """An API server and its store, without anything that acts on objects."""
    with _given(request.config) or _started(request.config, SERVERS, ApiServer) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A whole control plane, with nodes of eight GPUs each on which pods count as running."""
    with _given(request.config) or _started(request.config, SERVERS + CONTROLLERS, ControlPlane) as cluster:
        yield cluster


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test alone: on `control_plane` for tests that use it, else on `api_server`."""
    acting = "control_plane" in request.fixturenames
    cluster: Cluster = request.getfixturevalue("control_plane" if acting else "api_server")
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    if acting:  # pods are refused before
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _given(config: pytest.Config) -> GivenCluster | None:
    kubeconfig: Path | None = config.getoption("--kubeconfig")
    return GivenCluster(kubeconfig) if kubeconfig else None


def _started(config: pytest.Config, programs: tuple[str, ...], plane: type[ApiServer]) -> ApiServer:
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture
    try:
        with capture.global_and_fixture_disabled():  # builds take minutes and say so
            for program in programs:
                binaries.path(program)
    except MissingProgramError as missing:
        pytest.skip(str(missing))
    return plane()
