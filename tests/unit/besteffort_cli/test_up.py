from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from besteffort_cli.local_service import load_local_service
from besteffort_cli.up import _ready

if TYPE_CHECKING:
    import pytest

SERVICE = Path(__file__).parents[3] / "examples" / "demo" / "service.yaml"


def test_the_sentence_when_ready_can_be_pasted_and_names_the_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["my env/bin/besteffort", "up"])
    router = SimpleNamespace(address="127.0.0.1:8001", metrics_url="http://127.0.0.1:9090/metrics")
    said = _ready(load_local_service(SERVICE), router, Path("run/1-assistant"))  # type: ignore[arg-type]
    _, call, logs = said.splitlines()
    assert shlex.split(call.partition(" Or: ")[2]) == [
        *("my env/bin/besteffort", "load", "127.0.0.1:8001", "--model", "assistant", "--rate-rps", "30"),
    ]
    assert logs.endswith(": run/1-assistant")
