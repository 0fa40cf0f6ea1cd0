from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from gap.pace import batches_since, pace, timed_repository

from besteffort_cli.record import Outcome, Record

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("small", "large")
BATCH_S = np.array([[0.0, 0.1, 0.2], [0.0, 1.0, 2.0]])


def record(offset_s: float, latency_s: float, size: str = "") -> Record:
    outcome = Outcome.IN_TIME if size else Outcome.REFUSED
    return Record(offset_s, "sorting", outcome, latency_s, 0.0, answered=bool(size), size=size)


def test_each_request_has_the_pace_of_its_batch_and_who_was_refused_that_of_the_last_one() -> None:
    """Of the small size a batch takes as profiled and one thrice as long: .5 and 1.5 of their mean."""
    small = np.array([[100.0, 1, 0.1], [100.5, 1, 0.3]])
    large = np.array([[100.2, 2, 3.0]])
    asked = [
        record(5.0, 0.11, "small"),
        record(5.1, 0.7, "small"),
        record(5.1, 3.2, "large"),
        record(5.25, 0.0),
        record(5.6, 0.0),
    ]
    assert pace(asked, SIZES, [small, large], BATCH_S).tolist() == pytest.approx([0.5, 1.5, 1.0, 1.0, 1.5])


def test_a_model_that_had_nothing_to_do_has_no_pace() -> None:
    small, large = np.array([[7.0, 2, 0.4], [7.5, 2, 0.4]]), np.empty((0, 3))
    found = pace([record(0.0, 0.5, "small"), record(1.0, 0.0)], SIZES, [small, large], BATCH_S)
    assert found.tolist() == [1.0, 1.0]


def test_a_timed_repository_serves_the_same_model_behind_one_that_notes_its_batches(tmp_path: Path) -> None:
    version = tmp_path / "models" / "small" / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text("the model")
    found = timed_repository(tmp_path / "models", tmp_path / "timed") / "small" / "1"
    assert (found / "served.py").read_text() == "the model"
    assert "served" in (found / "model.py").read_text()
    assert (version / "model.py").read_text() == "the model"


def test_batches_are_those_that_began_since(tmp_path: Path) -> None:
    for model, rows in (("small", "1.0,2,0.1\n2.0,1,0.2\n"), ("large", "")):
        version = tmp_path / model / "models" / model / "1"
        version.mkdir(parents=True)
        (version / "batches.csv").write_text(rows)
    small, large = batches_since(tmp_path, SIZES, 1.5)
    assert small.tolist() == [[2.0, 1.0, 0.2]]
    assert large.shape == (0, 3)
