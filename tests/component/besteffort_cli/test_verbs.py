"""`besteffort calibrate`, and `up` that calibrates: what they measure on a real Triton, and that they keep it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from besteffort_resource.profile import load_profiles
from support.processes import BESTEFFORT, processes_with, running_up

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.triton


def test_calibrate_finds_out_what_the_sizes_are(home: Path, service: Path) -> None:
    done = subprocess.run(
        [BESTEFFORT, "calibrate", service, "--out", home / "profile.yaml", "--output", "json"],
        env=os.environ | {"BESTEFFORT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == f"Wrote {home / 'profile.yaml'}\n"
    found = load_profiles(home / "profile.yaml")
    small, large = found["small"], found["large"]
    assert small.quality
    assert large.quality
    assert {task: float(share) for task, share in small.quality.by_task.items()} == {"short": 1.0, "long": 0.0}
    assert float(large.quality.default) == 1.0
    seconds = {point.batch: float(point.seconds) for point in large.latency or ()}
    assert sorted(seconds) == [1, 2, 4]
    assert 0.03 <= seconds[4] < 0.3
    printed = json.loads(done.stdout)
    assert printed["large"]["seconds_by_batch"]["4"] == pytest.approx(seconds[4], abs=1e-6)
    assert printed["small"]["capacity_rps"] > printed["large"]["capacity_rps"]
    assert processes_with(str(home)) == []


def test_up_measures_what_the_resource_lacks_once(home: Path, service: Path) -> None:
    with running_up(home, str(service)) as up:
        assert up.end(signal.SIGINT) == 0
        assert "Measuring quality and latency of the sizes (once" in up.said()
    (kept,) = (home / "profiles").glob("shout-*.yaml")
    with running_up(home, str(service)) as up:
        assert up.said() == f"Using the measurements in {kept}\n"
