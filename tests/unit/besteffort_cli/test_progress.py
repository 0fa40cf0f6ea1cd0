from __future__ import annotations

import math
from typing import TYPE_CHECKING

from besteffort_cli.progress import showing_progress

if TYPE_CHECKING:
    import pytest


def test_a_log_gets_each_phase_once_and_standard_output_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress() as report:
        for phase, done in (("tuning", 1), ("tuning", 2), ("training", 1)):
            report(phase, done, 2, math.nan if done == 1 else 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if line] == ["tuning", "training"]
