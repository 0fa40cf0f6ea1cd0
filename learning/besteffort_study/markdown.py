"""A document as Markdown. It computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_study.document import Cells, Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_study.document import Section

__all__ = ["markdown"]


def markdown(document: Sequence[Section], pictures: str) -> str:
    """Return the text; pictures are linked as `pictures`/NAME.svg."""
    lines = []
    for section in document:
        lines.append(f"{'#' * section.level} {section.title}")
        lines += [_part(part, pictures) for part in section.parts]
    return "\n\n".join(lines) + "\n"


def _part(part: str | Cells | Picture, pictures: str) -> str:
    match part:
        case Cells(head, rows):
            rule = ("---", *("---:" for _ in head[1:]))
            return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
        case Picture(name, shows):
            return f"![{shows}]({pictures}/{name}.svg)"
        case _:
            return part
