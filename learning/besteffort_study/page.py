"""A document as one HTML file that loads nothing and runs nothing, its pictures within. It computes nothing."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from besteffort_study.document import Cells, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_study.document import Section

__all__ = ["build_page"]

_STYLE = """
body { margin: 2.5rem auto; padding: 0 1.25rem; max-width: 76rem; background: #fff; color: #1b1f24;
  font: 16px/1.5 system-ui, sans-serif; }
p { max-width: 50rem; }
figure { margin: 1rem 0; }
svg { display: block; width: 100%; height: auto; }
figcaption { color: #626b76; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #dfe3e8; }
th { color: #626b76; font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
"""


def build_page(document: Sequence[Section], pictures: Mapping[str, str]) -> str:
    """Return the page; `pictures` are SVG elements by name."""
    body = "\n".join(
        "\n".join(
            [
                f"<h{section.level}>{html.escape(section.title)}</h{section.level}>",
                *(_part(part, pictures) for part in section.parts),
            ]
        )
        for section in document
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{html.escape(document[0].title)}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def _part(part: str | Cells | Picture, pictures: Mapping[str, str]) -> str:
    match part:
        case Cells(head, rows):
            top = "".join(f"<th>{html.escape(text)}</th>" for text in head)
            body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>\n" for row in rows)
            return f'<div class="wide"><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'
        case Picture(name, shows):
            return f"<figure>{pictures[name]}<figcaption>{html.escape(shows)}</figcaption></figure>"
        case _:
            return f"<p>{_inline(part)}</p>"


def _inline(text: str) -> str:
    """Return escaped text with Markdown's code as code, and its links as their words: the page stands alone."""
    escaped = html.escape(text, quote=False)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", escaped))
