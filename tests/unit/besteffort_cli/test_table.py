from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from besteffort_cli.record import Outcome, Record
from besteffort_cli.report import Summary, summarise
from besteffort_cli.table import Result, as_json, as_table, cells, headings


def summary(right: int, refused: int, size: str = "small") -> Summary:
    answer = Record(0.0, "t", Outcome.IN_TIME, 0.1, 0.0, answered=True, size=size, right=True, quality=0.5)
    return summarise([answer] * right + [Record(0.0, "t", Outcome.REFUSED, 0.01, 0.0)] * refused)


BEST = Result("best effort", (summary(8, 2), summary(9, 1)))
STATIC = Result("static large", (summary(4, 6, "large"), summary(5, 5, "large")))


def row(results: list[Result], number: int) -> dict[str, str]:
    return dict(zip(headings(results), cells(results)[number], strict=True))


def test_counts_are_sums_and_shares_are_means_with_intervals() -> None:
    found = row([BEST, STATIC], 0)
    assert found["offered"] == "20"
    assert found["in time"] == "17"
    assert found["refused"] == "3"
    assert found["availability"] == "85.0% ± 63.5"
    assert found["reward"] == "0.850 ± 0.635"
    assert found["sizes"] == "small 100%"


def test_every_other_policy_is_compared_with_the_first() -> None:
    assert row([BEST, STATIC], 0)["best effort earns"] == ""
    assert row([BEST, STATIC], 1)["best effort earns"].startswith("1.90 x (")


def test_one_round_shows_no_interval_and_one_policy_no_comparison() -> None:
    found = row([Result("m", (summary(8, 2),))], 0)
    assert found["availability"] == "80.0%"
    assert not [heading for heading in found if "earns" in heading]


def test_a_policy_that_earned_nothing_has_no_ratio() -> None:
    assert row([BEST, Result("none", (summary(0, 10), summary(0, 10)))], 1)["best effort earns"] == "-"


def test_cancelled_requests_get_a_column_only_where_there_are_any() -> None:
    assert "cancelled" not in headings([BEST])
    interrupted = Result("m", (replace(BEST.rounds[0], cancelled=3),))
    assert row([interrupted], 0)["cancelled"] == "3"


def test_the_terminal_shows_every_cell() -> None:
    text = io.StringIO()
    Console(file=text, width=250).print(as_table([BEST, STATIC], "demo"))
    for cell in cells([BEST, STATIC])[1]:
        assert cell in text.getvalue()


def test_json_holds_rounds_means_and_ratio_and_no_infinity() -> None:
    text = json.dumps(as_json([BEST, Result("m", STATIC.rounds)]), allow_nan=False)
    first, second = json.loads(text)
    assert first["rounds"][0]["offered"] == 10
    assert second["reward_of_first_over_this"][0] > 1
    json.dumps(as_json([Result("one", (summary(8, 2),))]), allow_nan=False)
