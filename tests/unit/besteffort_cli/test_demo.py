from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from besteffort_cli.contest import Course
from besteffort_cli.demo import _announcement, _as_new, _told_if_stopped, demo
from besteffort_cli.errors import InputError

SERVICE = Path(__file__).parents[3] / "examples" / "demo" / "service.yaml"


def test_a_contest_that_was_stopped_says_so_and_ends_as_ctrl_c_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told_if_stopped(1, 5) == 130
    assert capsys.readouterr().err == "Stopped after 1 of 5 rounds\n"


def test_a_whole_contest_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told_if_stopped(5, 5) == 0
    assert capsys.readouterr().err == ""


def test_a_service_with_a_soft_deadline_is_refused(tmp_path: Path) -> None:
    soft = tmp_path / "service.yaml"
    soft.write_text(SERVICE.read_text().replace("mode: Hard", "mode: Soft"))
    with pytest.raises(InputError, match=r"service\.yaml: spec\.deadline\.mode: .*; write Hard\."):
        demo(service=soft)


@pytest.mark.parametrize(
    ("rounds", "words"), [(1, "1 round in turns: about 1 minute."), (3, "3 rounds in turns: about 4")]
)
def test_the_announcement_counts_rounds_and_minutes_in_good_english(rounds: int, words: str) -> None:
    window = SimpleNamespace(length_s=14.0 if rounds > 1 else 3.0, sentence=str)
    course = Course("assistant", np.zeros(1), (), 0.4, rounds, seed=0)
    said = _announcement({}, {}, window, course, 6)  # type: ignore[arg-type]
    assert f"Deadline 400 ms, hard. 6 policies, {words}" in said


def test_capacities_belong_to_a_profile_that_is_not_newer(tmp_path: Path) -> None:
    profile, capacities = tmp_path / "profile.yaml", tmp_path / "profile.capacities.json"
    profile.touch()
    assert not _as_new(capacities, profile)
    capacities.touch()
    for measured_s, belongs in ((10, True), (20, True), (30, False)):
        os.utime(profile, (measured_s, measured_s))
        os.utime(capacities, (20, 20))
        assert _as_new(capacities, profile) is belongs
