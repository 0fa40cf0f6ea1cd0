"""An API server of this folder alone: a chart writes what is there once in a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.control_plane import ApiServer
from support.chart import NAMESPACE, Helm, program

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    """A real API server that nobody else writes to."""
    if request.config.getoption("--kubeconfig"):
        pytest.skip("the chart is installed on an API server of its own only: leave out --kubeconfig")
    for name in ("etcd", "kube-apiserver", "kubectl", "helm"):
        program(name)
    with ApiServer() as started:
        started.kubectl("create", "namespace", NAMESPACE)
        # Elsewhere a controller makes it.
        started.kubectl("create", "serviceaccount", "default", "--namespace", NAMESPACE)
        yield started


@pytest.fixture
def helm(server: ApiServer) -> Iterator[Helm]:
    """helm on that server; afterwards no release is left there, and no definition."""
    helm = Helm(server)
    yield helm
    for name, namespace in helm.releases():
        helm("uninstall", name, namespace=namespace)
    server.kubectl("delete", "customresourcedefinition/besteffortservices.serving.besteffort.dev", "--ignore-not-found")
