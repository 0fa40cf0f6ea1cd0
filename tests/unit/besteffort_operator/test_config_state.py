from __future__ import annotations

import hashlib
from typing import Any

import pytest

from besteffort_operator.config_state import config_spreading
from besteffort_operator.reasons import Reason
from besteffort_operator.router_report import Heard
from support.live import heard, service, view


def config(text: str, component: str = "router") -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": component}
    return {"kind": "ConfigMap", "metadata": {"name": "c", "labels": labels}, "data": {"router.json": text}}


def running(text: str, *, canary: bool = False, age_s: float = 1.0) -> Heard:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return heard(config_digest=digest, canary=canary, age_s=age_s)


def test_routers_that_run_the_present_configuration_are_no_finding() -> None:
    routers = (running("new"), running("canary", canary=True))
    seen = view(service(), config("new"), config("canary", "router-canary"), routers=routers)
    assert config_spreading(seen) is None


def test_a_router_with_a_former_configuration_is_counted() -> None:
    found = config_spreading(view(service(), config("new"), routers=(running("new"), running("old"))))
    assert found
    assert found.reason is Reason.CHANGE_SPREADING
    assert found.sentence == "1 of 2 routers do not run the present configuration yet"


def test_a_canary_is_held_to_its_own_configuration() -> None:
    children = (config("new"), config("canary", "router-canary"))
    assert config_spreading(view(service(), *children, routers=(running("new", canary=True),)))


@pytest.mark.parametrize("router", [running("old", age_s=60.0), heard(silent=True), heard(config_digest="")])
def test_who_says_nothing_is_not_held_to_anything(router: Heard) -> None:
    assert config_spreading(view(service(), config("new"), routers=(router,))) is None


def test_without_a_configuration_there_is_nothing_to_hold_to() -> None:
    other = {"kind": "ConfigMap", "metadata": {"name": "models", "labels": {}}, "data": {"config.pbtxt": ""}}
    assert config_spreading(view(service(), other, routers=(running("old"),))) is None
