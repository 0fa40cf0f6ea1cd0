"""However `make e2e` is ended, it cleans up once, and to the end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from e2e.__main__ import ENDINGS, INTERRUPTED
from e2e.world import ROOT

ENDED_TWICE = """
import os, sys
import e2e.__main__ as e2e

def ended(*_):
    try:
        os.kill(os.getpid(), {number})
    finally:
        os.kill(os.getpid(), {number})
        print("cleaned up")

e2e._on_own_node = ended
sys.argv = ["e2e"]
sys.exit(e2e.main())
"""


@pytest.mark.parametrize("number", ENDINGS)
def test_a_second_signal_does_not_cut_the_cleaning_up(number: int) -> None:
    program = ENDED_TWICE.format(number=int(number))
    command, environment = [sys.executable, "-c", program], {"PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "cleaned up\n"
    assert done.stderr == "e2e: interrupted; no node or service of it is left\n"
    assert done.returncode == INTERRUPTED
