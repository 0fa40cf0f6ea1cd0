from __future__ import annotations

import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import gap.pace as pace_module
import numpy as np
import pytest
from gap.pace import batches_since, pace, timed_repository

from besteffort_cli.record import Outcome, Record

SIZES = ("small", "large")
BATCH_S = np.array([[0.0, 0.1, 0.2], [0.0, 1.0, 2.0]])


def record(offset_s: float, latency_s: float, size: str = "") -> Record:
    outcome = Outcome.IN_TIME if size else Outcome.REFUSED
    return Record(offset_s, "sorting", outcome, latency_s, 0.0, answered=bool(size), size=size)


def test_each_request_has_the_pace_of_its_batch_and_who_was_refused_that_of_the_last_one() -> None:
    """Batches follow one another at once; of the small size the first took .5 of their mean, the second 1.5."""
    small = np.array([[100.0, 100.5, 1, 0.1], [100.5, 101.5, 1, 0.3]])
    large = np.array([[100.2, 103.2, 2, 3.0]])
    asked = [
        record(5.0, 0.502, "small"),
        record(5.1, 1.402, "small"),
        record(5.1, 3.102, "large"),
        record(5.6, 0.0),
        record(7.0, 0.0),
    ]
    assert pace(asked, SIZES, [small, large], BATCH_S).tolist() == pytest.approx([0.5, 1.5, 1.0, 0.5, 1.5])


def test_a_profile_that_is_wrong_about_some_number_of_requests_is_not_a_pace() -> None:
    """Batches of two take thrice what the profile says, those of one as much as it says."""
    small = np.array([[k, k + 0.9, 1 + k % 2, 0.1 + 0.5 * (k % 2)] for k in range(20)], dtype=np.float64)
    asked = [record(float(k), 0.95, "small") for k in range(20)]
    assert pace(asked, SIZES, [small, np.empty((0, 4))], BATCH_S).tolist() == pytest.approx([1.0] * 20)


def test_a_model_that_had_nothing_to_do_has_no_pace() -> None:
    small, large = np.array([[7.0, 7.3, 2, 0.4], [7.5, 7.8, 2, 0.4]]), np.empty((0, 4))
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
    for model, rows in (("small", "1.0,1.2,2,0.1\n2.0,2.3,1,0.2\n"), ("large", "")):
        version = tmp_path / model / "models" / model / "1"
        version.mkdir(parents=True)
        (version / "batches.csv").write_text(rows)
    small, large = batches_since(tmp_path, SIZES, 1.5)
    assert small.tolist() == [[2.0, 2.3, 1.0, 0.2]]
    assert large.shape == (0, 4)


def test_a_timed_model_notes_when_a_batch_began_and_ended_and_what_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tmp_path / "small" / "models" / "small" / "1"
    version.mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "served", ModuleType("served"))
    sys.modules["served"].TritonPythonModel = Busy  # type: ignore[attr-defined]
    spec = spec_from_file_location("timed_model", Path(pace_module.__file__).with_name("timed_model.py"))
    assert spec is not None
    assert spec.loader is not None
    timed = module_from_spec(spec)
    spec.loader.exec_module(timed)
    model = timed.TritonPythonModel()
    model.initialize({"model_repository": str(version.parent), "model_version": "1"})
    assert model.execute([Asked(cancelled=False), Asked(cancelled=True)]) == ["an answer"]
    assert model.execute([Asked(cancelled=True)]) == ["an answer"]
    model.finalize()
    ((began_s, ended_s, requests, busy_s),) = batches_since(tmp_path, ["small"], 0.0)[0]
    assert requests == 1
    assert 0.02 <= busy_s < 1.0
    assert busy_s <= ended_s - began_s + 0.001


class Asked(NamedTuple):
    cancelled: bool

    def is_cancelled(self) -> bool:
        return self.cancelled


class Busy:
    """A model that computes for 20 ms."""

    def initialize(self, _args: dict[str, str]) -> None: ...

    def execute(self, _requests: list[Asked]) -> list[str]:
        end_s = time.process_time() + 0.02
        while time.process_time() < end_s:
            pass
        return ["an answer"]
