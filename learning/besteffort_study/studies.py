"""The studies that come with this package, by name. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_study.catalogue import STABLE_LOADS, UNPREDICTABLE
from besteffort_study.grid import Grid, Load, Setting
from besteffort_study.scenarios import SHIFTS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STUDIES"]

SEEDS = 10
QUICK = (
    *(Load("poisson", load) for load in (0.5, 1.0, 2.0, 5.0, 10.0)),
    *(Load("maf", load) for load in (1.0, 2.0)),
    Load("mmpp", 1.0),
    Load("azure", 1.0),
)
FULL = (*(Load("poisson", load) for load in STABLE_LOADS), *(Load(*pair) for pair in UNPREDICTABLE))
SHIFTED = (Load("poisson", 1.0), Load("maf", 1.0))
"""Loads at which a shift is tested: what is offered stays, what is asked changes."""


def _settings(loads: tuple[Load, ...], *pairs: str) -> tuple[Setting, ...]:
    return tuple(Setting(scenario, layout, loads) for scenario, layout in (pair.split() for pair in pairs))


STUDIES: Mapping[str, Grid] = {
    "quick": Grid(
        "quick",
        (
            *_settings(QUICK, "SC co", "SC ded", "GE co", "MX co"),
            *_settings(SHIFTED, "SC+hellaswag co", "SC+long co"),
        ),
        SEEDS,
    ),
    "full": Grid(
        "full",
        (
            *(
                setting
                for base in ("SC", "SCt", "SCs", "GE", "MX")
                for setting in _settings(FULL, f"{base} co", f"{base} ded")
            ),
            *_settings(FULL, "SC 3L1x", "SC 1L2M1S", "SC tp2", "GE 3L1x", "GE 1L2M1S", "GE tp2"),
            *_settings(SHIFTED, *(f"SC+{shift} co" for shift in SHIFTS)),
        ),
        SEEDS,
    ),
}
