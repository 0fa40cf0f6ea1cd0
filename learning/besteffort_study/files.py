"""A report as files: JSON, Markdown with pictures, one page of HTML.

`python -m besteffort_study.files REPORT.json FOLDER NAME` writes those of a report that is there already.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from besteffort_study.document import Picture, build_document
from besteffort_study.markdown import markdown
from besteffort_study.page import build_page
from besteffort_study.plots import draw
from besteffort_study.report import json_from_report, report_from_json

if TYPE_CHECKING:
    from besteffort_study.report import Report

__all__ = ["write_report"]


def write_report(report: Report, folder: Path, name: str) -> list[Path]:
    """Write NAME.json, NAME.md and NAME.html, and its pictures in a folder NAME; return the first three."""
    (folder / f"{name}.json").write_text(json_from_report(report), encoding="utf-8")
    (folder / f"{name}.html").write_text(build_page(build_document(report), draw(report)), encoding="utf-8")
    _write_markdown(report, folder, name)
    return [folder / f"{name}.{suffix}" for suffix in ("json", "md", "html")]


def _write_markdown(report: Report, folder: Path, name: str) -> None:
    document, pictures = build_document(report), draw(report)
    (folder / f"{name}.md").write_text(markdown(document, name), encoding="utf-8")
    (folder / name).mkdir(exist_ok=True)
    for part in (part for section in document for part in section.parts if isinstance(part, Picture)):
        (folder / name / f"{part.name}.svg").write_text(pictures[part.name] + "\n", encoding="utf-8")


if __name__ == "__main__":
    _source, _folder, _name = sys.argv[1:]
    _write_markdown(report_from_json(Path(_source).read_text(encoding="utf-8")), Path(_folder), _name)
