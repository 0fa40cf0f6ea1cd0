"""All that a service owns, in the order in which it is written: what pods refer to comes before the pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.accounts import accounts
from besteffort_operator.manifests.autoscalers import router_autoscaler, triton_autoscaler
from besteffort_operator.manifests.availability import router_budget, triton_budget
from besteffort_operator.manifests.hugging_face import claims
from besteffort_operator.manifests.metadata import sealed
from besteffort_operator.manifests.monitors import monitors
from besteffort_operator.manifests.network import router_policy, triton_policy
from besteffort_operator.manifests.router import router_configs, router_deployments, router_services
from besteffort_operator.manifests.triton import triton_deployment, triton_service
from besteffort_resource.servers import servers
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService

__all__ = ["wanted"]


def wanted(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return every object that the service shall own, each with its fingerprint.

    Raises:
        ResourceError: a size has no quality or no latency, neither in the resource nor in its profile.
    """
    gateway = service.spec.router.mode is RouterMode.GATEWAY
    found = [
        *accounts(service, context),
        *router_configs(service, context),
        *claims(service, context),
        triton_policy(service, context),
        *(manifest for server in servers(service) for manifest in _triton(service, context, server)),
        *(_gateway(service, context) if gateway else []),
        *monitors(service, context),
    ]
    return [sealed(manifest) for manifest in found]


def _triton(service: BestEffortService, context: Context, server: Server) -> list[Manifest]:
    return [
        triton_service(service, context, server),
        triton_deployment(service, context, server),
        triton_budget(service, context, server),
        *triton_autoscaler(service, context, server),
    ]


def _gateway(service: BestEffortService, context: Context) -> list[Manifest]:
    return [
        router_policy(service, context),
        *router_services(service, context),
        *router_deployments(service, context),
        router_budget(service, context),
        *router_autoscaler(service, context),
    ]
