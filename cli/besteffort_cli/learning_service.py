"""A BestEffortService as learning sees it: names, numbers and limits; no server and no address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_cli.errors import InputError
from besteffort_cli.faults import faults_of
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_resource.document import load_service
from besteffort_resource.profile import load_profiles
from besteffort_resource.router_config import router_config
from besteffort_train.episodes import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["learning_service", "load_learning_service"]

SHARED = "cpu"
"""The device of all sizes without a GPU: one machine's cores, as in `besteffort up`."""


def load_learning_service(service: Path, profile: Path | None) -> Service:
    """Read a service and the profile that fills its gaps.

    Raises:
        InputError: a file is refused, or quality or latency of a size is in neither.
    """
    with faults_of(service):
        return learning_service(load_service(service), profile)


def learning_service(service: BestEffortService, profile: Path | None) -> Service:
    """Return what learning needs of a service.

    Raises:
        InputError: the profile is refused, or no size has any quality.
        ResourceError: quality or latency of a size is nowhere.
    """
    profiles: Mapping[str, Profile] = {}
    if profile:
        with faults_of(profile):
            profiles = load_profiles(profile)
    config = router_config(service, (), profiles=profiles)
    sizes = [
        SizeSpec(
            size.name, size.quality, dict(size.quality_by_task), {point.batch: point.seconds for point in size.latency}
        )
        for size in config.sizes
    ]
    tasks, grace_factor = tuple(config.tasks), config.deadline.grace_factor
    pool = build_pool(tasks, sizes, _backends(service), grace_factor=grace_factor)
    if not pool.quality.any():
        raise InputError("Quality is 0 for all sizes and tasks: no answer is worth anything; measure it, or write it.")
    names = tuple(size.name for size in config.sizes)
    return Service(tasks, names, pool, config.deadline.default_s, config.limits.max_requests)


def _backends(service: BestEffortService) -> list[BackendSpec]:
    """Return every size on every replica; servers share a device if they share a replica, or have no GPU at all."""
    return [
        BackendSpec(size.name, SHARED if gpu is None else f"{'replica' if service.colocated else size.name}-{number}")
        for size in service.spec.sizes
        for gpu in [service.host_of(size).gpu]
        for number in range(service.replicas_of(size))
    ]
