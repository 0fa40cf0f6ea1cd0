"""The names of what a service owns. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from besteffort_resource.service import BestEffortService

__all__ = ["cache_name", "canary_name", "router_name", "triton_name"]


def router_name(service: BestEffortService) -> str:
    """Return the name of the routers' Deployment and of all that belongs to it."""
    return f"{service.metadata.name}-router"


def canary_name(service: BestEffortService) -> str:
    """Return the name of the Deployment and the configuration of a policy's canary."""
    return f"{service.metadata.name}-router-canary"


def triton_name(service: BestEffortService, size: str = "") -> str:
    """Return the name of the Deployment that serves all sizes, or one of them."""
    return f"{service.metadata.name}-triton" + (f"-{size}" if size else "")


def cache_name(service: BestEffortService) -> str:
    """Return the name of the claim that keeps downloaded models."""
    return f"{service.metadata.name}-cache"
