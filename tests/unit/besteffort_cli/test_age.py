from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from besteffort_cli.age import age

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m"), (7_200, "2h"), (172_799, "47h"), (864_000, "10d")],
)
def test_an_age_is_in_the_largest_unit_that_says_something(seconds: int, text: str) -> None:
    moment = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert age(moment, NOW) == text


def test_a_clock_that_is_behind_makes_nothing_younger_than_new() -> None:
    assert age("2026-11-21T12:00:05Z", NOW) == "0s"
