"""From a trained network to the bytes of a policy bundle, checked first. No clock: one seed, one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from besteffort_core.bundle import bundle_to_bytes
from besteffort_core.learned import q_values
from besteffort_train.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from besteffort_core.bundle import Bundle
    from besteffort_core.learned import Network

    Model = Callable[[torch.Tensor], torch.Tensor]

__all__ = ["TOLERANCE", "export", "greatest_difference"]

TOLERANCE = 1e-5
"""Greatest difference between torch and numpy, relative to values above 1."""


def greatest_difference(model: Model, network: Network, observations: NDArray[np.float32]) -> float:
    """Return the greatest difference between torch and numpy on observations: absolute, but relative above 1."""
    with torch.no_grad():
        wanted = model(torch.from_numpy(observations)).numpy()
    found = np.array([q_values(network, observation) for observation in observations])
    return float((np.abs(found - wanted) / np.maximum(np.abs(wanted), 1.0)).max())


def export(bundle: Bundle, model: Model, observations: NDArray[np.float32]) -> bytes:
    """Return the bytes of a bundle whose network is that of a torch model.

    Raises:
        ExportError: they disagree on the observations.
    """
    difference = greatest_difference(model, bundle.network, observations)
    if not difference <= TOLERANCE:
        raise ExportError(
            f"policy: torch and numpy differ by {difference:.1e}, more than {TOLERANCE:.0e}; nothing is written"
        )
    return bundle_to_bytes(bundle)
