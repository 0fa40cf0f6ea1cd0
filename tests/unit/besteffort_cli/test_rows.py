from __future__ import annotations

import json

import pytest

from besteffort_cli.output import Output
from besteffort_cli.rows import show_rows
from besteffort_train.evaluation import Interval, Row
from support.worlds import workload_of

FOUND = {"lull": [Row("Price", Interval(0.5, 0.01), Interval(0.0, 0.0), 0.99, 0.01, 0.6, 0.2, (0.25, 0.75))]}
LOADS = {"lull": [workload_of([0.0, 1.0, 2.0]), workload_of([1.0, 2.0, 3.0, 3.5, 4.0])]}
SIZES = ("small", "large")


def test_people_read_how_much_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """In the mean of two draws 4 requests in 3 seconds."""
    show_rows(FOUND, LOADS, SIZES, Output.TABLE)
    title, _, headings, _, row, *_ = capsys.readouterr().out.splitlines()
    assert title.strip() == "lull, 4 requests, 1.33 a second"
    assert headings.split()[0] == "policy"
    assert row.split() == ["Price", "0.500", "±", "0.010", "99.0%", "1.0%", "200", "25%", "75%"]


def test_programs_read_the_name_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(FOUND, LOADS, SIZES, Output.JSON)
    (row,) = json.loads(capsys.readouterr().out)["lull"]
    assert row["shares"] == {"small": 0.25, "large": 0.75}


def test_what_comes_at_once_has_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(FOUND, {"lull": [workload_of([0.0, 0.0])]}, SIZES, Output.TABLE)
    assert capsys.readouterr().out.splitlines()[0].strip() == "lull, 2 requests"
