"""The ConfigMaps of users that services name: who names which, and the measurements that one of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.errors import NotFoundError
from besteffort_operator.kinds import CONFIG_MAP
from besteffort_resource.errors import ResourceError
from besteffort_resource.policy_rules import bundles
from besteffort_resource.profile import profiles_from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.work import Key
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["References", "config_maps", "read_profiles"]


class References:
    """Which services name a ConfigMap."""

    def __init__(self) -> None:
        self._names: dict[Key, frozenset[str]] = {}

    def note(self, key: Key, service: BestEffortService) -> None:
        """Keep what a service names now."""
        self._names[key] = frozenset(config_maps(service))

    def forget(self, key: Key) -> None:
        """Drop what a service that is gone named."""
        self._names.pop(key, None)

    def naming(self, namespace: str, config_map: str) -> list[Key]:
        """Return the services that name a ConfigMap."""
        return [key for key, names in self._names.items() if key.namespace == namespace and config_map in names]


def config_maps(service: BestEffortService) -> Iterator[str]:
    """Yield the names of the ConfigMaps that a service refers to."""
    if service.spec.profile:
        yield service.spec.profile.config_map_ref.name
    for _, bundle in bundles(service.spec):
        if bundle.config_map_ref:
            yield bundle.config_map_ref.name


async def read_profiles(cluster: Cluster, namespace: str, service: BestEffortService) -> Mapping[str, Profile]:
    """Return the measurements that `spec.profile` names, none where it is left out.

    Raises:
        ResourceError: the ConfigMap or its key is missing, or what stands there is refused.
        ApiError: it cannot be read now.
    """
    if service.spec.profile is None:
        return {}
    reference = service.spec.profile.config_map_ref
    path = "spec.profile.configMapRef"
    try:
        found = await cluster.get(CONFIG_MAP, namespace, reference.name)
    except NotFoundError as error:
        raise ResourceError([f"{path}.name: there is no ConfigMap {reference.name}; create it"]) from error
    text = found.get("data", {}).get(reference.key)
    if text is None:
        fix = "put the profile of `besteffort calibrate` there"
        raise ResourceError([f"{path}.key: ConfigMap {reference.name} has no {reference.key}; {fix}"])
    try:
        return profiles_from_yaml(text)
    except ResourceError as error:
        raise ResourceError(f"{path}: {sentence}" for sentence in error.sentences) from error
