"""A program that ends too early is told with its last words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.errors import StartError
from e2e.daemons import Daemon, wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_that_ends_is_told_with_its_exit_status_and_its_last_words(tmp_path: Path) -> None:
    daemon = Daemon("sh", ["sh", "-c", "echo the disk is full >&2; exit 3"], logs=tmp_path)
    with pytest.raises(StartError, match="sh ended with exit status 3: the disk is full"):
        daemon.wait_until(lambda: False, 10.0)


def test_what_does_not_become_ready_is_given_up_with_the_reason() -> None:
    with pytest.raises(StartError, match="not ready within 0 s: nobody answers"):
        wait_until(lambda: False, 0.0, lambda: "nobody answers")
