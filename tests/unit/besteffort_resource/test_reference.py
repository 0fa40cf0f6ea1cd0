from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from besteffort_resource.document import service_from_yaml
from besteffort_resource.reference import reference_page
from besteffort_resource.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "resource.md"


def test_the_committed_page_is_current() -> None:
    made = reference_page()
    assert PAGE.read_text(encoding="utf-8") == made, (
        "run `python -m besteffort_resource.reference > docs/reference/resource.md`"
    )


def test_the_module_writes_the_page() -> None:
    command = [sys.executable, "-m", "besteffort_resource.reference"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == reference_page()


def test_the_resource_on_the_page_is_accepted() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", reference_page(), re.DOTALL)
    assert len(examples) == 1
    assert service_from_yaml(examples[0]).model_name == "assistant"


def test_every_row_of_the_tables_has_as_many_cells_as_their_heads() -> None:
    rows = [line for line in reference_page().splitlines() if line.startswith("|")]
    assert len(rows) > 40
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {7, 5}


def test_every_rule_is_on_the_page() -> None:
    page = reference_page()
    assert all(f"- {rule.__doc__}\n" in page for rule in RULES)
