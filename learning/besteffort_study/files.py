"""A report as files: JSON, Markdown, one page of HTML, and its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_study.document import build_document
from besteffort_study.markdown import markdown
from besteffort_study.page import build_page
from besteffort_study.plots import draw
from besteffort_study.report import json_from_report

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_study.report import Report

__all__ = ["write_report"]


def write_report(report: Report, folder: Path, name: str) -> list[Path]:
    """Write NAME.json, NAME.md and NAME.html, and its pictures in a folder NAME; return the paths of the first three."""
    document, pictures = build_document(report), draw(report)
    (folder / name).mkdir(exist_ok=True)
    for picture, svg in pictures.items():
        (folder / name / f"{picture}.svg").write_text(svg, encoding="utf-8")
    texts = {
        "json": json_from_report(report),
        "md": markdown(document, name),
        "html": build_page(document, pictures),
    }
    for suffix, text in texts.items():
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    return [folder / f"{name}.{suffix}" for suffix in texts]
