"""What the operator writes for routers, the router itself can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from besteffort.v1.external_scaler_pb2 import GetMetricSpecResponse, ScaledObjectRef
from besteffort_operator.manifests.build import wanted
from besteffort_router import __main__ as router
from besteffort_router.config import load_settings
from besteffort_router.scaler import Scaler
from support.manifests import CONTEXT, INPUTS, container_of, name_of, of_kind, one, service_of, wanted_of
from support.services import service, size


def routers(path: Path) -> list[dict[str, Any]]:
    return [m for m in of_kind(wanted_of(path), "Deployment") if "router" in name_of(m)]


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_the_router_takes_its_arguments(path: Path) -> None:
    for deployment in routers(path):
        arguments = router._parse(container_of(deployment)["args"])
        assert str(arguments.config) == "/etc/besteffort/config/router.json"
        assert (arguments.listen.host, arguments.listen.port, arguments.metrics.port) == ("0.0.0.0", 8001, 9090)
        assert arguments.drain_s == service_of(path).spec.router.drain_s
        assert (arguments.tls_cert is not None) == (service_of(path).spec.router.tls is not None)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_the_router_takes_its_configuration(path: Path, tmp_path: Path) -> None:
    for config in of_kind(wanted_of(path), "ConfigMap"):
        if text := config["data"].get("router.json"):
            file = tmp_path / "router.json"
            file.write_text(text)
            settings = load_settings(file)
            assert list(settings.sizes) == [each.name for each in service_of(path).spec.sizes]


async def test_the_router_takes_what_keda_passes_on() -> None:
    scaling = {"maxReplicas": 4, "engine": "KEDA", "target": {"backlog": "250ms"}}
    found = service(size("small", scaling=scaling), placement={"mode": "Dedicated"})
    (trigger,) = one(wanted(found, CONTEXT), "ScaledObject", "assistant-triton-small")["spec"]["triggers"]
    assert trigger["metadata"]["size"] == "small"
    scaler = Scaler(None, None, lambda: 0.0)  # type: ignore[arg-type]  asks nothing of them here
    said = await scaler.metric_spec(ScaledObjectRef(scalerMetadata=trigger["metadata"]), None)  # type: ignore[arg-type]
    (spec,) = GetMetricSpecResponse.FromString(said).metricSpecs
    assert (spec.targetSize, spec.targetSizeFloat) == (250, 250.0)
