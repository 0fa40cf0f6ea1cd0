from __future__ import annotations

import math

import pytest

from besteffort_cli.errors import EnvironmentMissingError
from besteffort_cli.extra import import_extra


def test_a_module_that_is_there_is_returned() -> None:
    assert import_extra("math") is math


def test_a_package_that_is_missing_is_one_sentence_with_the_fix() -> None:
    with pytest.raises(
        EnvironmentMissingError, match=r"^this command needs torchlight, which is not installed; .*make dev$"
    ):
        import_extra("torchlight.training")


def test_a_module_of_ours_that_is_missing_is_a_mistake_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_extra("besteffort_study.nothing")
