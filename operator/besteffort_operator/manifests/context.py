"""What the builders know beside the resource itself. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_resource.profile import Profile

__all__ = ["Context", "Manifest"]

Manifest: TypeAlias = dict[str, Any]
"""An object of Kubernetes, or a part of one, as plain JSON values."""


@dataclass(frozen=True)
class Context:
    """Where a service lives, and what was found there."""

    namespace: str
    uid: str
    """Of the resource, for owner references."""
    router_image: str
    operator_version: str
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """Measurements by the name of the size."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """What the operator's autoscaler wants, by the name of the Deployment."""
    available_kinds: frozenset[str] = frozenset()
    """Which optional kinds the API server knows."""
