"""One HTML file with the picture and the table: self-contained, readable in light and dark. It computes no figure."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from besteffort_cli.picture import INKS, LIGHT, draw_svg
from besteffort_cli.table import cells, headings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_cli.series import Scene
    from besteffort_cli.table import Result

__all__ = ["build_page"]

_DARK_SIZES = ("#4aa8e8", "#2fc295", "#f2b33d", "#e296c0", "#8fd0f7")
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --muted: #626b76; --faint: #dfe3e8; --ground: #ffffff; LIGHT }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceff3; --muted: #9aa5b1; --faint: #2f363e; --ground: #14181d; DARK }
}
body { margin: 2.5rem auto; padding: 0 1.25rem; max-width: 70rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .4rem; }
p { max-width: 48rem; color: var(--muted); margin: .4rem 0 1.4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, sans-serif !important; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
th { color: var(--muted); font-weight: 600; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
tbody tr:first-child { font-weight: 700; }
"""
_MEANING = """Every request has one outcome. <b>availability</b>: in time / offered, cancelled ones left out.
<b>quality</b>: right answers among those in time. <b>reward</b>: right and in time / offered, cancelled ones left out;
a late answer is worth nothing. ± is the 95 % interval over rounds (Student's t). Latency and lateness count from the
scheduled arrival, by the client's clock."""


def build_page(scene: Scene, results: Sequence[Result]) -> str:
    """Return the page; it loads nothing and runs nothing."""
    title, measured = html.escape(scene.title), html.escape(scene.measured)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_style()}</style>\n'
        f"<h1>{title}</h1>\n<p>{measured}</p>\n<figure style='margin:0'>{_svg(scene)}</figure>\n"
        f'<div class="wide">{_table(results)}</div>\n<p>{_MEANING}</p>\n</html>\n'
    )


def _style() -> str:
    def variables(colours: Sequence[str]) -> str:
        return " ".join(f"--size{number}: {colour};" for number, colour in enumerate(colours))

    return _STYLE.replace("LIGHT", variables(LIGHT.sizes)).replace("DARK", variables(_DARK_SIZES))


def _svg(scene: Scene) -> str:
    """Draw with stand-in colours, then let the style choose by light or dark."""
    names = {INKS.ink: "ink", INKS.muted: "muted", INKS.faint: "faint", INKS.ground: "ground"}
    names |= {colour: f"size{number}" for number, colour in enumerate(INKS.sizes)}
    svg = draw_svg(scene, INKS)
    for colour, name in names.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(scene.title)}" ', 1)


def _table(results: Sequence[Result]) -> str:
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings(results))
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells(results)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
