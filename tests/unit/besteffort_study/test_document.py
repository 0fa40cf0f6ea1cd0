from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from besteffort_study.document import Cells, Picture, Section, build_document
from besteffort_study.executor import play, tasks_of
from besteffort_study.markdown import markdown
from besteffort_study.page import build_page
from besteffort_study.plots import draw
from besteffort_study.report import build_report
from support.arena import GRID, Constant, MadeUpArena

if TYPE_CHECKING:
    from besteffort_study.report import Report


def report_of(arena: MadeUpArena) -> Report:
    return build_report(GRID, arena, [cell for task in tasks_of(arena, GRID) for cell in play(arena, task)])


@pytest.fixture(scope="module")
def report() -> Report:
    players = dict(MadeUpArena().players) | {
        "<better>": Constant(0.93),
        "narrow": Constant(0.85, broad="ours"),
    }
    return report_of(MadeUpArena(players))


@pytest.fixture(scope="module")
def document(report: Report) -> dict[str, Section]:
    return {section.title: section for section in build_document(report)}


def table_of(section: Section) -> Cells:
    return next(part for part in section.parts if isinstance(part, Cells))


def test_it_names_the_source_that_played(report: Report) -> None:
    opening, *_ = build_document(replace(report, source="0123abc"))
    assert str(opening.parts[0]).endswith("`made up`. Source and numbers that played: `0123abc`.")


def test_it_opens_with_what_was_played_and_who_is_strongest(document: dict[str, Section]) -> None:
    opening = document["Results"]
    assert opening.parts[0] == "Study `small`: 2 settings, 3 seeds. All of it is `made up`."
    assert "no run passed it" in str(opening.parts[2])
    summary = table_of(opening)
    assert summary.rows[0][:3] == ("SC on co", "stable, below 8x", "ours")
    assert [row[5] for row in summary.rows] == ["<better>"] * 3
    assert all(row[6].startswith("-") for row in summary.rows)


def test_where_ours_loses_every_losing_comparison_stands_and_no_other(document: dict[str, Section]) -> None:
    lost = document["Where ours loses"]
    assert "7 of 28" in str(lost.parts[0])
    assert {row[2] for row in table_of(lost).rows} == {"<better>"}


def test_nothing_lost_is_said_in_words() -> None:
    titles = {section.title: section for section in build_document(report_of(MadeUpArena()))}
    assert len(titles["Where ours loses"].parts) == 1
    assert "0 of " in str(titles["Where ours loses"].parts[0])
    assert "Shift" not in titles


def test_ratios_stand_beside_both_fractions(document: dict[str, Section]) -> None:
    compared = document["SC on co: unpredictable"].parts[2]
    assert isinstance(compared, Cells)
    by_name = {row[0]: row[1:] for row in compared.rows}
    assert by_name["none"][:3] == ("0.902", "0.000", "-")
    assert by_name["narrow"][2] == "1.05x"
    assert by_name["other"][4] == "3 of 3"


def test_quality_against_load_has_a_column_for_each_load(document: dict[str, Section]) -> None:
    assert table_of(document["Quality against load"]).head == ("policy", "1x", "4x")


def test_rows_are_as_long_as_their_heading(document: dict[str, Section]) -> None:
    for section in document.values():
        for part in section.parts:
            assert not isinstance(part, Cells) or {len(row) for row in part.rows} <= {len(part.head)}


def test_markdown_holds_every_table_and_links_every_picture(report: Report) -> None:
    text = markdown(build_document(report), "shown")
    assert text.startswith("# Results\n\nStudy `small`")
    for name in draw(report):
        assert f"(shown/{name}.svg)" in text
    assert "| policy | 1x | 4x |\n| --- | ---: | ---: |\n| ours |" in text


def test_a_page_stands_alone(report: Report) -> None:
    page = build_page(build_document(report), draw(report))
    assert page.count("<svg") == 4
    assert "&lt;better&gt;" in page
    assert "<better>" not in page
    assert "<code>small</code>" in page
    for loads in ("<img", "<script", "<link", "src=", 'href="http'):
        assert loads not in page


def test_pictures_are_the_same_for_the_same_report(report: Report) -> None:
    assert draw(report) == draw(report)


def test_every_picture_that_a_document_names_is_drawn(report: Report, document: dict[str, Section]) -> None:
    named = {part.name for section in document.values() for part in section.parts if isinstance(part, Picture)}
    assert named == set(draw(report))
