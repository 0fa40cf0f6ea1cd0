"""The ConfigMaps with measurements that services name: who names which, and what one of them holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from besteffort_operator.errors import NotFoundError
from besteffort_operator.kinds import CONFIG_MAP
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import profiles_from_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.cluster import Cluster
    from besteffort_operator.work import Key
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["References", "read_profiles"]


class References:
    """Which services name a profile."""

    def __init__(self) -> None:
        self._profiles: dict[Key, str] = {}

    def note(self, key: Key, service: BestEffortService) -> None:
        """Keep what a service names now."""
        self.forget(key)
        if service.spec.profile:
            self._profiles[key] = service.spec.profile.config_map_ref.name

    def forget(self, key: Key) -> None:
        """Drop what a service that is gone named."""
        self._profiles.pop(key, None)

    def profiles(self) -> Mapping[tuple[str, str], list[Key]]:
        """Return the services by the ConfigMap, namespace and name, that they take their measurements from."""
        found = defaultdict(list)
        for key, name in self._profiles.items():
            found[key.namespace, name].append(key)
        return found


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
