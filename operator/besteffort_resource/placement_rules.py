"""The rules of where and how often servers run; see rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_resource import wording
from besteffort_resource.capacity import Scaling, ScalingEngine
from besteffort_resource.service import PlacementMode, RouterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from besteffort_resource.capacity import RouterScaling
    from besteffort_resource.service import Placement, Router, Spec
    from besteffort_resource.size import Size

__all__ = ["PLACEMENT_RULES"]

PLACED = ("replicas", "scaling", "gpu", "scheduling")


def servers_follow_the_placement(spec: Spec) -> Iterator[str]:
    """`replicas`, `scaling`, `gpu` and `scheduling` stand under `placement` for Colocated, under `sizes[]` for Dedicated."""  # noqa: E501
    dedicated = spec.placement.mode is PlacementMode.DEDICATED
    for field in PLACED:
        if dedicated and getattr(spec.placement, field) is not None:
            yield f"spec.placement.{field}: " + wording.COLOCATED_ONLY.format(field=field)
    for i, size in enumerate(spec.sizes):
        for field in PLACED:
            if not dedicated and getattr(size, field) is not None:
                yield f"spec.sizes[{i}].{field}: " + wording.DEDICATED_ONLY.format(field=field)


def colocated_models_differ(spec: Spec) -> Iterator[str]:
    """With Colocated no two sizes have one model name in Triton."""
    colocated = spec.placement.mode is PlacementMode.COLOCATED
    for i, size in enumerate(spec.sizes):
        twins = [other for other in spec.sizes[:i] if other.triton_model == size.triton_model]
        if colocated and any(other.name != size.name for other in twins):
            yield f"spec.sizes[{i}].model: {wording.MODEL_NAME_TWICE}"


def colocated_tokens_agree(spec: Spec) -> Iterator[str]:
    """With Colocated every `huggingFace.tokenSecretRef` is the same."""
    hubs = [(i, size.model.hugging_face) for i, size in enumerate(spec.sizes)]
    tokens = [(i, hub.token_secret_ref) for i, hub in hubs if hub and hub.token_secret_ref]
    for i, token in tokens[1:]:
        if spec.placement.mode is PlacementMode.COLOCATED and token != tokens[0][1]:
            yield f"spec.sizes[{i}].model.huggingFace.tokenSecretRef: {wording.TOKENS_DIFFER}"


def replicas_are_fixed_or_scaled(spec: Spec) -> Iterator[str]:
    """`replicas` and `scaling` exclude each other."""
    for path, host in _hosts(spec):
        if host.replicas is not None and host.scaling is not None:
            yield f"{path}.scaling: {wording.SCALING_OR_REPLICAS}"


def scaling_has_a_range(spec: Spec) -> Iterator[str]:
    """`scaling.minReplicas` is at most `scaling.maxReplicas`."""
    for path, scaling in _scalings(spec):
        if scaling.min_replicas > scaling.max_replicas:
            yield f"{path}.minReplicas: {wording.MIN_ABOVE_MAX}"


def prometheus_is_for_keda(spec: Spec) -> Iterator[str]:
    """`scaling.prometheusAddress` goes with engine KEDA only."""
    for path, scaling in _scalings(spec):
        address = getattr(scaling, "prometheus_address", None)
        if address is not None and getattr(scaling, "engine", None) is not ScalingEngine.KEDA:
            yield f"{path}.prometheusAddress: {wording.KEDA_ONLY}"


def keda_asks_somebody(spec: Spec) -> Iterator[str]:
    """Engine KEDA needs `scaling.prometheusAddress` with router mode Sidecar."""
    for path, scaling in _scalings(spec):
        if not isinstance(scaling, Scaling) or scaling.engine is not ScalingEngine.KEDA:
            continue
        if spec.router.mode is RouterMode.SIDECAR and scaling.prometheus_address is None:
            yield f"{path}: {wording.KEDA_ASKS_NOBODY}"


PLACEMENT_RULES: tuple[Callable[[Spec], Iterator[str]], ...] = (
    servers_follow_the_placement,
    colocated_models_differ,
    colocated_tokens_agree,
    replicas_are_fixed_or_scaled,
    scaling_has_a_range,
    prometheus_is_for_keda,
    keda_asks_somebody,
)


def _hosts(spec: Spec) -> Iterator[tuple[str, Placement | Size | Router]]:
    """Yield every block with replicas and scaling, and its path."""
    yield "spec.placement", spec.placement
    yield from ((f"spec.sizes[{i}]", size) for i, size in enumerate(spec.sizes))
    yield "spec.router", spec.router


def _scalings(spec: Spec) -> Iterator[tuple[str, Scaling | RouterScaling]]:
    for path, host in _hosts(spec):
        if host.scaling:
            yield f"{path}.scaling", host.scaling
