"""The tuned numbers of the entrants, as `tuning` wrote them: one file for each scenario and layout."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FOLDER", "Tuned", "load_tuned", "save_tuned"]

FOLDER = Path(__file__).parent / "policies"
STANDS_FOR = {"3L1x": "ded", "1L2M1S": "ded", "tp2": "ded"}
"""Layouts that are played with the numbers of another."""
TABLE = "values"


@dataclass(frozen=True)
class Tuned:
    """Numbers by policy, and the values of the states."""

    numbers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    values: NDArray[np.float64] | None = None
    """(states, sizes); None where they do not belong to this layout, or are not there yet."""
    about: Mapping[str, object] = field(default_factory=dict)
    """How they were found; decides nothing."""


def load_tuned(scenario: str, layout: str, folder: Path = FOLDER) -> Tuned:
    """Return what was tuned for a scenario, without its shift, on a layout; empty where nothing was."""
    base, stands = scenario.partition("+")[0], STANDS_FOR.get(layout, layout)
    path = folder / f"{base}-{stands}.json"
    if not path.exists():
        return Tuned()
    found = json.loads(path.read_text(encoding="utf-8"))
    table = path.with_suffix(".safetensors")
    values = load_file(table)[TABLE].astype(np.float64) if stands == layout and table.exists() else None
    return Tuned({name: np.array(row) for name, row in found["numbers"].items()}, values, found["about"])


def save_tuned(scenario: str, layout: str, tuned: Tuned, folder: Path = FOLDER) -> None:
    """Write what was tuned for a scenario on a layout."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{scenario}-{layout}.json"
    numbers = {name: [round(float(one), 4) for one in row] for name, row in tuned.numbers.items()}
    path.write_text(json.dumps({"about": tuned.about, "numbers": numbers}, indent=1) + "\n", encoding="utf-8")
    if tuned.values is not None:
        save_file({TABLE: tuned.values.astype(np.float32)}, path.with_suffix(".safetensors"))
