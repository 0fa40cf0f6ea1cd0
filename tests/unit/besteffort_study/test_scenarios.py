from __future__ import annotations

import pytest

from besteffort_sim.workload import Mix
from besteffort_study.errors import StudyError
from besteffort_study.scenarios import SCENARIOS, SHIFTS, scenario


@pytest.mark.parametrize(
    ("name", "deadline_s", "generating", "grace_factor"),
    [
        ("SC", 0.1, 0.0, 1.0),
        ("SCt", 0.05, 0.0, 1.0),
        ("SCs", 0.1, 0.0, 2.0),
        ("GE", 0.1, 1.0, 1.0),
        ("MX", 0.1, 0.5, 1.0),
    ],
)
def test_a_scenario_is_what_its_name_says(name: str, deadline_s: float, generating: float, grace_factor: float) -> None:
    asked = scenario(name)
    assert (asked.deadline_s, asked.lengths.generating, asked.grace_factor) == (deadline_s, generating, grace_factor)
    assert (asked.lengths.prompt, asked.generation_deadline_s) == ((100, 200), 1.5)


@pytest.mark.parametrize("base", SCENARIOS)
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_changes_one_thing_and_keeps_the_load_unit(base: str, shift: str) -> None:
    shifted, before = scenario(f"{base}+{shift}"), scenario(base)
    changed = [
        f
        for f in ("mix", "lengths", "deadline_s", "grace_factor", "tasks")
        if getattr(shifted, f) != getattr(before, f)
    ]
    assert len(changed) == 1
    assert (shifted.base, shifted.name) == (base, f"{base}+{shift}")


def test_the_shares_of_a_shifted_mix_sum_to_one() -> None:
    for shift in ("hellaswag", "piqa", "lambada"):
        mix = scenario(f"SC+{shift}").mix
        assert isinstance(mix, Mix)
        assert sum(mix.shares) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["", "XX", "SC+", "SC+longer"])
def test_what_there_is_not_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(StudyError, match="is not one of"):
        scenario(name)
