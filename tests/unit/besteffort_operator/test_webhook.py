"""What becomes of a pod, and under which names the API server calls."""

from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.injection import NAME
from besteffort_operator.reconcile import Surroundings
from besteffort_operator.settings import read_settings
from besteffort_operator.trust import names_in
from besteffort_operator.webhook import verdict
from support.operator_process import resource

SURROUNDINGS = Surroundings("router:1", "0.1.0")
POD: dict[str, Any] = {"metadata": {"name": "client"}, "spec": {"containers": [{"name": "client", "image": "c:1"}]}}


def live(**spec: Any) -> dict[str, Any]:
    found = resource("assistant", "default", **spec)
    return found | {"metadata": found["metadata"] | {"uid": "1"}}


def test_a_pod_gets_the_router_with_the_image_that_the_operator_was_told() -> None:
    found = verdict(live(router={"mode": "Sidecar"}), POD, SURROUNDINGS)
    sidecar = next(each["value"][0] for each in found.patch if each["path"] == "/spec/initContainers")
    assert (sidecar["name"], sidecar["image"]) == (NAME, "router:1")
    assert found.warning == ""


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"router": {"mode": "Gateway"}}, "has spec.router.mode Gateway, not Sidecar"),
        ({"sizes": []}, "is not valid (spec.sizes"),
    ],
)
def test_a_service_that_cannot_be_injected_is_a_warning(spec: dict[str, Any], sentence: str) -> None:
    found = verdict(live(**spec), POD, SURROUNDINGS)
    assert found.patch == []
    assert found.warning.startswith("BestEffortService assistant ")
    assert sentence in found.warning


def test_the_webhook_is_called_by_the_names_in_its_configuration() -> None:
    service = {"clientConfig": {"service": {"name": "besteffort", "namespace": "besteffort-system", "port": 443}}}
    direct = {"clientConfig": {"url": "https://127.0.0.1:9443/inject"}}
    assert names_in({"webhooks": [service, service, direct]}) == ["besteffort.besteffort-system.svc", "127.0.0.1"]
    assert names_in({}) == []


def test_without_its_flag_there_is_no_webhook() -> None:
    assert read_settings([]).webhook is None
    found = read_settings(["--webhook", "0.0.0.0:9443", "--webhook-secret", "kept"]).webhook
    assert found is not None
    assert (found.address, found.secret) == (("0.0.0.0", 9443), "kept")
