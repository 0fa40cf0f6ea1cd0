from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.router_report import PolicyReport
from besteffort_operator.status import status_of
from besteffort_operator.view import View
from besteffort_resource.status_shape import Status
from support.live import deployment, heard, service, view

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SCALED = service(placement={"scaling": {"maxReplicas": 4}})
CHILDREN = (deployment("assistant-triton"), deployment("assistant-router", "router"))
VIEWS = {
    "nothing is there yet": view(SCALED),
    "all is ready": view(
        SCALED, *CHILDREN, routers=(heard("a", policy=PolicyReport("Price", "Enforce", "", 1.0, "")),)
    ),
    "the resource is refused": view(None, faults=(Finding(Reason.INVALID_RESOURCE, "spec.sizes: is missing"),)),
}


def written(seen: View) -> dict[str, Any]:
    return status_of(seen, previous={}, now=NOW)


@pytest.mark.parametrize("seen", VIEWS.values(), ids=VIEWS)
def test_the_api_server_keeps_every_field_that_the_operator_writes(seen: View) -> None:
    assert Status.model_validate(written(seen), by_alias=True, by_name=False)


def test_a_field_that_the_schema_lacks_is_noticed_here() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Status.model_validate({**written(VIEWS["all is ready"]), "phase": "Running"}, by_alias=True, by_name=False)
