"""ServiceAccounts: a name for each kind of pod, for image pull secrets and cloud identities; none may call the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.metadata import Component, child
from besteffort_resource.names import router_name, triton_name
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.service import BestEffortService

__all__ = ["accounts"]


def accounts(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the accounts of the Triton pods and of the routers that have pods of their own."""
    names = {triton_name(service): Component.TRITON}
    if service.spec.router.mode is RouterMode.GATEWAY:
        names[router_name(service)] = Component.ROUTER
    return [
        child(service, context, "v1/ServiceAccount", name, component, automountServiceAccountToken=False)
        for name, component in names.items()
    ]
