"""What a log line looks like."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from besteffort_operator.logs import set_up_logs


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


def test_json_is_one_object_on_each_line_with_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json")
    try:
        int("many")
    except ValueError:
        logging.getLogger("besteffort").exception("it %s", "failed")
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "besteffort", "it failed")
    assert "\nValueError: invalid literal" in found["exception"]


def test_text_is_for_people_and_kopf_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("text")
    logging.getLogger("besteffort").info("leads")
    logging.getLogger("kopf.objects").info("Handler succeeded")
    logging.getLogger("kopf._cogs.clients.watching").error("Request attempt #1 failed; will retry")
    assert capsys.readouterr().err.rstrip().endswith("INFO    leads")
