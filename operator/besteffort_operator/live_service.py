"""Pure: a live resource -> the service that it describes, if it can be run on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_resource.cluster_rules import cluster_faults
from besteffort_resource.document import service_from_mapping
from besteffort_resource.errors import ResourceError

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Manifest
    from besteffort_resource.service import BestEffortService

__all__ = ["read_service"]


def read_service(owner: Manifest) -> BestEffortService:
    """Read a live resource.

    Raises:
        ResourceError: it breaks a rule, or asks for what only one machine can do.
    """
    found = {key: owner[key] for key in ("apiVersion", "kind", "spec")}
    service = service_from_mapping(found | {"metadata": {"name": owner["metadata"]["name"]}})
    if faults := cluster_faults(service.spec):
        raise ResourceError(faults)
    return service
