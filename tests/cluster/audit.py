"""Read an API server's audit log: who wrote what, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["POLICY", "Call", "calls"]

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "users": ["controllers"], "verbs": ["get", "list", "watch"]},
        {"level": "Metadata"},
    ],
}
WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Call:
    """One answered call to the API server."""

    user: str
    agent: str
    verb: str
    resource: str
    """With its subresource behind a slash: `deployments/scale`."""
    namespace: str
    name: str
    code: int
    at: datetime

    @property
    def writes(self) -> bool:
        """Whether it changed, or was to change, an object."""
        return self.verb in WRITING


def calls(log: Path) -> Iterator[Call]:
    """Yield the calls for resources in a log, oldest first."""
    for line in log.read_text().splitlines(keepends=True):
        # The last line may be half written.
        if line.endswith("\n") and (event := json.loads(line)).get("objectRef"):
            yield _call(event)


def _call(event: dict[str, Any]) -> Call:
    target = event["objectRef"]
    return Call(
        user=event["user"]["username"],
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        resource="/".join(filter(None, (target.get("resource", ""), target.get("subresource", "")))),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        at=datetime.fromisoformat(event["stageTimestamp"]),
    )
