"""The page of results is what its report says, and nobody has edited it."""

from __future__ import annotations

from pathlib import Path

import pytest

from besteffort_study.document import Picture, build_document
from besteffort_study.markdown import markdown
from besteffort_study.provenance import source_digest
from besteffort_study.report import Report, report_from_json

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def report() -> Report:
    return report_from_json((DOCS / "results.json").read_text())


def test_the_page_is_generated_from_the_report_beside_it(report: Report) -> None:
    made = markdown(build_document(report), "results")
    assert made == (DOCS / "results.md").read_text(), "run `make docs`"


def test_it_is_of_the_source_as_it_stands(report: Report) -> None:
    assert source_digest().startswith(report.source), "run `make results`"


def test_its_pictures_are_there(report: Report) -> None:
    named = [part.name for section in build_document(report) for part in section.parts if isinstance(part, Picture)]
    assert named
    assert {f"{name}.svg" for name in named} <= {path.name for path in (DOCS / "results").iterdir()}


def test_it_is_of_ten_seeds_and_of_what_a_resource_gets(report: Report) -> None:
    assert report.seeds >= 10
    assert {setting.ours for setting in report.settings} == {"Learned"}


def test_no_policy_passed_the_bound(report: Report) -> None:
    assert sum(table.violations for setting in report.settings for table in setting.singles) == 0
