"""Which nodes a pod may run on, and what it takes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.manifests.context import Manifest
    from besteffort_resource.containers import Resources
    from besteffort_resource.scheduling import Gpu, Scheduling

__all__ = ["placement", "resources", "spread"]

PRODUCT_LABEL = "nvidia.com/gpu.product"


def placement(gpu: Gpu | None, scheduling: Scheduling | None, selector: Mapping[str, str]) -> Manifest:
    """Return the fields of a pod's spec that place it; pods that `selector` finds spread over hosts by default."""
    product = {PRODUCT_LABEL: gpu.product} if gpu and gpu.product else {}
    fields: Manifest = {
        "nodeSelector": product | (scheduling.node_selector if scheduling else {}),
        "tolerations": _tolerations(gpu, scheduling),
        "topologySpreadConstraints": spread(selector),
    }
    if scheduling:
        fields |= {
            "affinity": scheduling.affinity,
            "priorityClassName": scheduling.priority_class_name,
            "runtimeClassName": scheduling.runtime_class_name,
            "topologySpreadConstraints": _spread_as_said(scheduling, selector) or spread(selector),
        }
    return {field: value for field, value in fields.items() if value}


def resources(asked: Resources, gpu: Gpu | None = None) -> Manifest:
    """Return a container's resources with its accelerators; of an accelerator request and limit are always the same."""
    devices = {gpu.resource: str(gpu.count)} if gpu else {}
    fields = {"requests": {**asked.requests, **devices}, "limits": {**asked.limits, **devices}}
    return {field: value for field, value in fields.items() if value}


def spread(selector: Mapping[str, str]) -> list[Manifest]:
    """Return the constraint to spread over hosts as far as they go, each version of a template by itself."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selector)},
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]


def _spread_as_said(scheduling: Scheduling, selector: Mapping[str, str]) -> list[Manifest]:
    """Return the user's constraints; one without a selector would count no pod at all, so it counts the pods' own."""
    own = {"labelSelector": {"matchLabels": dict(selector)}}
    constraints = scheduling.topology_spread_constraints
    return [each | own if each.get("labelSelector") is None else each for each in constraints]


def _tolerations(gpu: Gpu | None, scheduling: Scheduling | None) -> list[Manifest]:
    """Return the user's tolerations, and that of the taint which keeps other pods off accelerators."""
    wanted = list(scheduling.tolerations) if scheduling else []
    if not gpu:
        return wanted
    # NVIDIA taints all its nodes alike, those with slices of MIG too.
    key = "nvidia.com/gpu" if gpu.resource.startswith("nvidia.com/") else gpu.resource
    if any(toleration.get("key") == key for toleration in wanted):
        return wanted
    return [*wanted, {"key": key, "operator": "Exists", "effect": "NoSchedule"}]
