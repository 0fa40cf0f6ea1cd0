"""The policies that were trained for one scenario on one layout, and the files that they are kept in.

`training` makes them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_core.bundle import bundle_to_bytes, parse_bundle
from besteffort_core.dqn import Network
from besteffort_core.policy import Kind
from besteffort_core.scorer import Scorer
from besteffort_sim.choice import build_plan
from besteffort_study.planned import Planned
from besteffort_study.tuned import FOLDER
from besteffort_train.dqn import everywhere

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_core.bundle import Bundle
    from besteffort_study.entrant import Entrant

__all__ = ["DQN", "LEARNED", "NARROW", "kept_bundle", "kept_entrant", "save_bundle"]

LEARNED, NARROW, DQN = Kind.LEARNED.value, f"{Kind.LEARNED.value}, narrow", Kind.DQN.value


def kept_bundle(policy: str, scenario: str, layout: str) -> Bundle | None:
    """Return what was trained for a scenario, without its shift, on a layout; None if nothing was."""
    path = _path(policy, scenario.partition("+")[0], layout)
    return parse_bundle(path.read_bytes()) if path.is_file() else None


def kept_entrant(policy: str, scenario: str, layout: str) -> Entrant | None:
    """Return it as an entrant. The paper has no guard against states that training did not see, so its DQN has none."""
    bundle = kept_bundle(policy, scenario, layout)
    if bundle is None:
        return None
    if isinstance(bundle.network, Network):
        return Planned(build_plan(Kind.DQN, network=everywhere(bundle.network)))
    return Planned(build_plan(Kind.LEARNED, network=bundle.network), broad=LEARNED if policy == NARROW else "")


def save_bundle(policy: str, scenario: str, layout: str, bundle: Bundle) -> None:
    """Keep what was trained for a scenario on a layout."""
    assert isinstance(bundle.network, Network if policy == DQN else Scorer)
    _path(policy, scenario, layout).write_bytes(bundle_to_bytes(bundle))


def _path(policy: str, scenario: str, layout: str) -> Path:
    return FOLDER / f"{policy.lower().replace(', ', '-')}-{scenario}-{layout}.safetensors"
