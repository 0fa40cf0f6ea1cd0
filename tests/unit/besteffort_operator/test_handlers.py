"""Whose a watched object is. That kopf watches is shown on a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.handlers import key_of
from besteffort_operator.work import Key

OURS = {"app.kubernetes.io/managed-by": "besteffort-operator", "app.kubernetes.io/instance": "assistant"}


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        (OURS, Key("models", "assistant")),
        (OURS | {"app.kubernetes.io/managed-by": "Helm"}, None),
        ({"app.kubernetes.io/managed-by": "besteffort-operator"}, None),
        ({}, None),
    ],
)
def test_a_child_is_known_by_its_labels(labels: dict[str, Any], key: Key | None) -> None:
    assert key_of({"metadata": {"namespace": "models", "name": "a", "labels": labels}}) == key


def test_an_object_without_labels_is_nobodys() -> None:
    assert key_of({"metadata": {"namespace": "models", "name": "a"}}) is None
