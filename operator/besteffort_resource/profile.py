"""The profile file that `besteffort calibrate` writes: quality and latency of each size, as measured.

Its blocks are those of the resource, so that what stands under a size can be pasted there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from pydantic import Field

from besteffort_resource.block import Block
from besteffort_resource.document import block_from_mapping
from besteffort_resource.errors import ResourceError
from besteffort_resource.quantities import decimal_text
from besteffort_resource.rules import latency_faults
from besteffort_resource.sentences import path_text
from besteffort_resource.size import BatchLatency, Latency, Quality
from besteffort_resource.strict_yaml import mapping_from_yaml, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Profile", "load_profiles", "measured_profile", "profile_to_yaml", "profiles_from_yaml"]

QUALITY_DIGITS = 4
SECONDS_DIGITS = 6


class Profile(Block):
    """What was measured of one size."""

    quality: Quality | None = Field(default=None, description="How often it is right.")
    latency: Latency | None = Field(default=None, description="What batches take, by ascending batch.")


class ProfileFile(Block):
    """What was measured of all sizes."""

    sizes: dict[str, Profile] = Field(max_length=64, description="The measurements by the name of the size.")


def load_profiles(path: Path) -> dict[str, Profile]:
    """Read a profile file: measurements by the name of the size.

    Raises:
        ResourceError: one sentence for each fault.
    """
    return profiles_from_yaml(read_text(path))


def profiles_from_yaml(text: str) -> dict[str, Profile]:
    """Read measurements by the name of the size from YAML or JSON text.

    Raises:
        ResourceError: one sentence for each fault.
    """
    profiles = block_from_mapping(ProfileFile, mapping_from_yaml(text)).sizes
    faults = [
        fault
        for name, profile in profiles.items()
        for fault in latency_faults(path_text(["sizes", name, "latency"]), profile.latency or ())
    ]
    if faults:
        raise ResourceError(faults)
    return profiles


def profile_to_yaml(profiles: Mapping[str, Profile]) -> str:
    """Return the text of a profile file, which `profiles_from_yaml` reads back to equal values."""
    content = ProfileFile(sizes=dict(profiles)).model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False)


def measured_profile(
    quality: float, quality_by_task: Mapping[str, float], *, seconds_by_batch: Mapping[int, float]
) -> Profile:
    """Return the profile of one size from measured finite numbers: shares from 0 to 1, seconds by batch size.

    Shares are rounded to 4 places, seconds to whole microseconds and to no less than one.
    """
    return Profile(
        quality=Quality(
            default=decimal_text(quality, digits=QUALITY_DIGITS),
            by_task={task: decimal_text(share, digits=QUALITY_DIGITS) for task, share in quality_by_task.items()},
        ),
        latency=tuple(
            BatchLatency(batch=batch, seconds=decimal_text(max(seconds, 1e-6), digits=SECONDS_DIGITS))
            for batch, seconds in sorted(seconds_by_batch.items())
        ),
    )
