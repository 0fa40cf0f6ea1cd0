"""Lay a user's pod template over the operator's, much as a strategic merge patch does."""

from __future__ import annotations

from typing import Any

__all__ = ["overlaid"]

# The lists of a pod whose elements have an identity, and what it is; any other list is replaced as a whole.
IDENTITIES = {
    "containers": "name",
    "env": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
# Their elements merge field by field; of the others one element replaces the other: no volume has two sources.
DEEP = ("containers", "initContainers")


def overlaid(below: Any, above: Any, field: str = "") -> Any:  # noqa: ANN401  JSON values
    """Return `below` with all that `above` says; null takes a field away, lists of `field` merge by their identity."""
    if isinstance(above, dict):
        kept = below if isinstance(below, dict) else {}
        laid = {key: overlaid(kept.get(key), value, key) for key, value in above.items() if value is not None}
        return {key: value for key, value in (kept | laid).items() if key in laid or key not in above}
    identity = IDENTITIES.get(field)
    if identity and _identified(below, identity) and _identified(above, identity):
        return _merged(below, above, identity, deep=field in DEEP)
    return above


def _identified(elements: Any, identity: str) -> bool:  # noqa: ANN401  whatever the user wrote
    """Return whether all have an identity; where one has none, lists are not merged, and the API server says why."""
    if not isinstance(elements, list):
        return False
    return all(isinstance(each, dict) and isinstance(each.get(identity), str | int) for each in elements)


def _merged(below: list[Any], above: list[Any], identity: str, *, deep: bool) -> list[Any]:
    new = {element[identity]: element for element in above}
    kept = []
    for element in below:
        other = new.pop(element[identity], None)
        kept.append(element if other is None else overlaid(element, other) if deep else other)
    return kept + list(new.values())
