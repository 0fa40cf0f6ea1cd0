from __future__ import annotations

import re
from pathlib import Path

import pytest

from besteffort_operator.reasons import EXPLANATIONS, Reason, is_fault

PACKAGE = Path(__file__).parents[3] / "operator/besteffort_operator"


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_that_kubernetes_takes_and_is_explained(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", reason.value)
    assert reason.value.lower() == reason.name.replace("_", "").lower()
    explanation = EXPLANATIONS[reason]
    assert explanation.meaning.endswith(".")
    assert not explanation.action or explanation.action.endswith(".")


@pytest.mark.parametrize("reason", [reason for reason in Reason if is_fault(reason)])
def test_a_fault_says_what_to_do(reason: Reason) -> None:
    assert EXPLANATIONS[reason].action


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_set_somewhere(reason: Reason) -> None:
    sources = [path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "reasons.py"]
    assert any(f"Reason.{reason.name}" in source for source in sources)
