"""Pure: a view of a service -> its status, as it is written. Output only: nothing decides by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from besteffort_operator.conditions import conditions, time_text
from besteffort_operator.policy_state import policy_state
from besteffort_operator.scalers import scaler_states
from besteffort_operator.view import size_states
from besteffort_resource.servers import GRPC_PORT
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.view import View
    from besteffort_resource.service import BestEffortService

__all__ = ["status_of"]


def status_of(view: View, *, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status to write; `previous` is the live one, whose transition times are kept.

    Equal views give equal statuses, whatever the time. Of a refused resource only the conditions are new: what the
    rest of the status says of the version that still runs stays.
    """
    found = [condition.as_mapping() for condition in conditions(view, previous.get("conditions") or (), now)]
    head = {"observedGeneration": view.generation}
    if view.service is None:
        judged = {condition["type"] for condition in found}
        kept = [condition for condition in previous.get("conditions") or () if condition["type"] not in judged]
        return {**previous, **head, "conditions": [*found, *kept]}
    return {**head, "conditions": found, **_facts(view.service, view, previous)}


def _facts(service: BestEffortService, view: View, previous: Mapping[str, Any]) -> dict[str, Any]:
    sizes = size_states(service, view)
    ready = sum(state.ready >= state.wanted for state in sizes)
    scaling = [
        {
            "deployment": state.deployment,
            "replicas": state.replicas,
            "wanted": state.wanted,
            "reason": state.finding.sentence,
        }
        for state in scaler_states(service, view)
    ]
    return {
        "url": _url(service, view.namespace),
        "sizesReady": f"{ready}/{len(sizes)}",
        "sizes": [
            {
                "name": state.name,
                "ready": state.ready,
                "wanted": state.wanted,
                "message": state.finding.sentence if state.finding else "",
            }
            for state in sizes
        ],
        "policy": _policy(service, view, previous.get("policy") or {}),
        **({"scaling": scaling} if scaling else {}),
    }


def _url(service: BestEffortService, namespace: str) -> str:
    """Return where clients call: a sidecar answers beside them."""
    if service.spec.router.mode is RouterMode.SIDECAR:
        return f"127.0.0.1:{GRPC_PORT}"
    return f"{service.metadata.name}.{namespace}.svc:{GRPC_PORT}"


def _policy(service: BestEffortService, view: View, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the routers run; while none says so, what they ran last."""
    state = policy_state(service.spec.policy, view.routers)
    routers = f"{state.agreeing}/{state.routers}"
    if not state.known:
        last = {key: previous[key] for key in ("digest", "loadedAt") if key in previous}
        return {"kind": state.kind, "mode": state.mode, **last, "routers": routers}
    loaded_at = time_text(datetime.fromtimestamp(state.loaded_at_s, tz=UTC))
    return {
        "kind": state.kind,
        "mode": state.mode,
        "digest": state.digest,
        "loadedAt": loaded_at,
        "routers": routers,
    }
