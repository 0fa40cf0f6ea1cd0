"""A certificate is refused with one sentence, and a new one taken only when it is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_router.certificate import Certificate
from besteffort_router.errors import StartError
from support.certificates import self_signed, write_pair

if TYPE_CHECKING:
    from pathlib import Path


def test_files_that_are_missing_or_do_not_belong_together_are_one_sentence(tmp_path: Path) -> None:
    chain, key = write_pair(tmp_path, self_signed())
    (tmp_path / "x").mkdir()
    _, stranger = write_pair(tmp_path / "x", self_signed())
    with pytest.raises(StartError, match=r"--tls-cert .*gone: cannot be read \(No such file or directory\)"):
        Certificate(tmp_path / "gone", key)
    with pytest.raises(StartError, match="no PEM certificate with its own key"):
        Certificate(chain, stranger)
    with pytest.raises(StartError, match="no PEM certificate with its own key"):
        Certificate(key, chain)


def test_a_new_pair_is_taken_once_and_a_bad_one_refused_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate = Certificate(*write_pair(tmp_path, self_signed()))
    assert certificate._fetch() is None
    fresh = self_signed()
    write_pair(tmp_path, fresh)
    assert certificate._fetch() is not None
    assert certificate._pair == fresh
    write_pair(tmp_path, (fresh[0], self_signed()[1]))
    for _ in range(3):
        assert certificate._fetch() is None
    assert caplog.text.count("the certificate in force stays") == 1
    write_pair(tmp_path, self_signed())
    assert certificate._fetch() is not None
