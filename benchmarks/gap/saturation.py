"""What each size carries when its server is never idle: measured beforehand, one size at a time, without a router."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.replay import replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_cli.dataset import Row
    from besteffort_cli.stack import LocalStack
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["saturate", "slowness"]

SECONDS = 3.0
"""Of work, by the profile, that are sent at once."""
WARM_SHARE = 0.3
"""While the first of them are answered, the sender is busy with the last."""
PATIENCE_S = 60.0


def saturate(
    service: BestEffortService, stack: LocalStack, rows: Sequence[Row], profiles: Mapping[str, Profile]
) -> dict[str, float]:
    """Return requests/s that one server of each size carries in full batches, the rows in any order.

    Raises:
        ServerError: a server does not answer.
    """
    found = {}
    for size in service.spec.sizes:
        address = next(backend.address for backend in stack.backends if size.name in backend.sizes)
        requests = int(SECONDS * _full_rps(profiles[size.name]))
        records = replay(address, size.triton_model, np.zeros(requests), rows, PATIENCE_S)
        assert all(record.answered for record in records), f"{size.name} lost requests of a full queue"
        answered_s = np.quantile([record.latency_s for record in records], (WARM_SHARE, 1.0))
        found[size.name] = (1.0 - WARM_SHARE) * requests / float(np.ptp(answered_s))
    return found


def slowness(
    service: BestEffortService, stack: LocalStack, rows: Sequence[Row], profiles: Mapping[str, Profile]
) -> list[float]:
    """Return true over profiled seconds of a full batch as of now, by size."""
    return [_full_rps(profiles[size]) / rps for size, rps in saturate(service, stack, rows, profiles).items()]


def _full_rps(profile: Profile) -> float:
    assert profile.latency
    return profile.latency[-1].batch / float(profile.latency[-1].seconds)
