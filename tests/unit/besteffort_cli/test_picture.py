from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from besteffort_cli.page import build_page
from besteffort_cli.picture import INKS, LIGHT, _apart, draw_png, draw_svg
from besteffort_cli.record import Outcome, Record
from besteffort_cli.report import summarise
from besteffort_cli.series import Scene, Turn
from besteffort_cli.table import Result

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("large", "medium", "small")


def turn(name: str, size: str = "") -> Turn:
    records = [
        Record(i / 20, "t", Outcome.IN_TIME, 0.1, 0.0, answered=True, size=size or SIZES[i % 3], right=i % 2 == 0)
        for i in range(100)
    ]
    return Turn(name, [*records, Record(2.0, "t", Outcome.REFUSED, 0.0, 0.0)], size=size)


SCENE = Scene(
    "Best <effort> & others",
    "100 requests on one core.",
    SIZES,
    {"large": 10.0, "medium": 15.0, "small": 800.0},
    5.0,
    (turn("best effort"), turn("static <large>", "large")),
)
RESULTS = [Result(t.name, (summarise(t.records),)) for t in SCENE.turns]


def test_the_png_is_a_picture_of_a_readable_size(tmp_path: Path) -> None:
    draw_png(SCENE, tmp_path / "load.png")
    data = (tmp_path / "load.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20]) >= 1600


def test_every_line_is_named_where_it_ends() -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", draw_svg(SCENE, LIGHT))
    assert {"best effort 10/s", "large 10/s", "small 800/s (above)", "large 34 %", "not in time 1.0 %"} <= set(texts)


def test_the_same_scene_gives_the_same_picture() -> None:
    assert draw_svg(SCENE, LIGHT) == draw_svg(SCENE, LIGHT)


def test_labels_keep_their_order_and_stand_apart_within_the_panel() -> None:
    places = _apart([0.0, 0.0, 0.5, 0.98, 0.99, 1.0])
    assert all(above - below > 0.1 for below, above in pairwise(places))
    assert places[-1] <= 1.0


def test_a_replay_without_any_request_can_be_drawn() -> None:
    assert "<svg" in draw_svg(Scene("t", "m", (), {}, 1.0, (Turn("m", []),)), LIGHT)


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = build_page(SCENE, RESULTS)
    outside = set(re.findall(r"https?://[^\"' )<]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not addresses
    assert not re.search(r"<script|<link|@import|\bsrc=", page)


def test_the_page_escapes_what_others_named() -> None:
    page = build_page(SCENE, RESULTS)
    assert "Best &lt;effort&gt; &amp; others" in page
    assert "static &lt;large&gt;" in page
    assert "<large>" not in page


def test_the_page_has_colours_for_light_and_dark_and_no_stand_in_left() -> None:
    page = build_page(SCENE, RESULTS)
    assert "prefers-color-scheme: dark" in page
    for colour in (INKS.ink, INKS.muted, INKS.faint, *INKS.sizes):
        assert colour not in page
    for name in re.findall(r"var\((--\w+)\)", page):
        assert page.count(f"{name}: #") == 2


def test_the_page_holds_the_table() -> None:
    page = build_page(SCENE, RESULTS)
    assert page.count("<tr>") == 1 + len(RESULTS)
    assert "<th>availability</th>" in page
