"""The rules of how a size is chosen: bundles, stand-ins, the canary; see rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_resource import wording
from besteffort_resource.counting import how_many
from besteffort_resource.policy import NETWORKS, PolicyKind
from besteffort_resource.sentences import nearest
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from besteffort_resource.policy import Bundle
    from besteffort_resource.service import Spec

__all__ = ["POLICY_RULES", "STAND_INS", "WITH_BUNDLE"]

WITH_BUNDLE = (*NETWORKS, PolicyKind.PRICE, PolicyKind.LADDER)
STAND_INS = tuple(kind for kind in PolicyKind if kind not in NETWORKS)


def dqn_comes_in_a_bundle(spec: Spec) -> Iterator[str]:
    """Kind DQN needs `policy.bundle`."""
    if spec.policy.bundle is None and spec.policy.kind is PolicyKind.DQN:
        yield f"spec.policy.bundle: {wording.BUNDLE_MISSING}"


def each_bundle_has_one_source(spec: Spec) -> Iterator[str]:
    """A bundle has exactly one of `path`, `configMapRef`, `pvc` and `oci`."""
    for path, bundle in bundles(spec):
        count = how_many(bundle.path, bundle.config_map_ref, bundle.pvc, bundle.oci)
        if count:
            yield f"{path}: " + wording.BUNDLE_SOURCES.format(count=count)


def fallback_is_a_rule(spec: Spec) -> Iterator[str]:
    """`policy.fallback` is any kind but Learned and DQN: it stands in for a network."""
    fallback = spec.policy.fallback
    if fallback not in STAND_INS:
        sentence = wording.FALLBACK_NETWORK.format(kind=fallback, kinds=", ".join(STAND_INS))
        yield f"spec.policy.fallback: {sentence}"


def static_size_is_for_static(spec: Spec) -> Iterator[str]:
    """`policy.staticSize` names one of `sizes`; it stands exactly where `kind` or `fallback` is Static."""
    policy = spec.policy
    static = PolicyKind.STATIC in (policy.kind, policy.fallback)
    names = [size.name for size in spec.sizes]
    path = "spec.policy.staticSize: "
    if static and policy.static_size is None:
        yield path + wording.STATIC_MISSING
    elif not static and policy.static_size is not None:
        yield path + wording.STATIC_UNUSED
    elif policy.static_size is not None and policy.static_size not in names:
        yield path + wording.STATIC_UNKNOWN.format(size=policy.static_size) + f"; {nearest(policy.static_size, names)}"


def canary_is_tried_against_a_bundle(spec: Spec) -> Iterator[str]:
    """`policy.canary` needs `policy.bundle`, and a kind that reads one: Learned, DQN, Price or Ladder."""
    policy = spec.policy
    if policy.canary and policy.bundle is None:
        yield f"spec.policy.canary: {wording.CANARY_ALONE}"
    if policy.canary and policy.kind not in WITH_BUNDLE:
        yield "spec.policy.canary: " + wording.CANARY_UNREAD.format(kind=policy.kind)


def canary_leaves_routers(spec: Spec) -> Iterator[str]:
    """`policy.canary.replicas` is less than the number of routers, the fewest where they scale."""
    router, canary = spec.router, spec.policy.canary
    routers = router.scaling.min_replicas if router.scaling else router.replicas or 1
    if canary and router.mode is RouterMode.GATEWAY and canary.replicas >= routers:
        yield f"spec.policy.canary.replicas: {wording.CANARY_TAKES_ALL}"


POLICY_RULES: tuple[Callable[[Spec], Iterator[str]], ...] = (
    dqn_comes_in_a_bundle,
    each_bundle_has_one_source,
    fallback_is_a_rule,
    static_size_is_for_static,
    canary_is_tried_against_a_bundle,
    canary_leaves_routers,
)


def bundles(spec: Spec) -> Iterator[tuple[str, Bundle]]:
    """Yield the path and the value of every bundle."""
    if spec.policy.bundle:
        yield "spec.policy.bundle", spec.policy.bundle
    if spec.policy.canary:
        yield "spec.policy.canary.bundle", spec.policy.canary.bundle
