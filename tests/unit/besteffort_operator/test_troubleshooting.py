from __future__ import annotations

import re
from pathlib import Path

from besteffort_operator import conditions
from besteffort_operator.reasons import Reason
from besteffort_operator.troubleshooting import troubleshooting_page

PAGE = Path(__file__).parents[3] / "docs" / "troubleshooting.md"


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text() == troubleshooting_page(), "run `make docs`"


def test_every_reason_stands_there_once() -> None:
    named = re.findall(r"^\| `([A-Za-z]+)` \|.*\|.*\|$", troubleshooting_page(), re.MULTILINE)
    assert all(named.count(reason.value) == 1 for reason in Reason)


def test_every_condition_stands_there() -> None:
    kinds = re.findall(r"^([A-Z][A-Za-z]+): ", conditions.__doc__ or "", re.MULTILINE)
    assert len(kinds) >= 7
    assert all(f"| `{kind}` |" in troubleshooting_page() for kind in kinds if kind != "Pure")
