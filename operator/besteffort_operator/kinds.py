"""The kinds of objects that the operator reads or writes, and their paths in the API. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from besteffort_operator.manifests.metadata import MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONFIG_MAP",
    "DEPLOYMENT",
    "EVENT",
    "FIELD_MANAGER",
    "KINDS",
    "LEASE",
    "MANAGED_BY",
    "NAMESPACE",
    "OPTIONAL_KINDS",
    "POD",
    "SERVICE",
    "Kind",
    "kind_of",
]

FIELD_MANAGER = MANAGER
MANAGED_BY = f"app.kubernetes.io/managed-by={FIELD_MANAGER}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind; an optional one comes with an add-on that a cluster may lack."""

    api_version: str
    kind: str
    plural: str
    optional: bool = False

    @property
    def group(self) -> str:
        """Return the API group, empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """Return the version within the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def api_path(self) -> str:
        """Return the path of the group and version, which lists its kinds."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path of an object, of a namespace's collection, or of the whole cluster's."""
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{self.api_path}{within}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


SERVICE = Kind("serving.besteffort.dev/v1alpha1", "BestEffortService", "besteffortservices")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
NAMESPACE = Kind("v1", "Namespace", "namespaces")
POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")

# In the order of writing: what pods refer to comes before the pods.
KINDS = (
    Kind("v1", "ServiceAccount", "serviceaccounts"),
    CONFIG_MAP,
    Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    Kind("v1", "Service", "services"),
    DEPLOYMENT,
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Kind("monitoring.coreos.com/v1", "PodMonitor", "podmonitors", optional=True),
    Kind("keda.sh/v1alpha1", "ScaledObject", "scaledobjects", optional=True),
)
OPTIONAL_KINDS = tuple(kind for kind in KINDS if kind.optional)

_BY_NAME = {(kind.api_version, kind.kind): kind for kind in KINDS}


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """Return the kind of a child's manifest; a KeyError means that the operator does not own such."""
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]
