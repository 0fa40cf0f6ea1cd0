from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_cli import trace
from besteffort_cli.errors import InputError
from besteffort_cli.trace import poisson, read_trace, scale

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
FIRST = "2023-11-16 18:17:03.9799600,4808,10\n"


@pytest.fixture
def write(tmp_path: Path):  # noqa: ANN201
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "trace.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_arrivals_are_sorted_seconds_since_the_first(write) -> None:  # noqa: ANN001
    path = write(HEADER + "2023-11-16 18:17:05.5000000,1,1\n" + FIRST.replace(".9799600", ".5") + FIRST)
    assert read_trace(path).tolist() == pytest.approx([0.0, 0.47996, 2.0])


@pytest.mark.parametrize("fraction", ["", ".9", ".979", ".9799600", ".979960012345"])
def test_a_fraction_may_have_any_number_of_digits(write, fraction: str) -> None:  # noqa: ANN001
    path = write(f"{HEADER}2023-11-16 18:17:03,1,1\n2023-11-16 18:17:03{fraction},1,1\n")
    assert read_trace(path)[1] == pytest.approx(float("0" + fraction), abs=1e-6)


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_line_end_are_read(write) -> None:  # noqa: ANN001
    path = write("\ufeff" + (HEADER + FIRST + FIRST).replace("\n", "\r\n").rstrip())
    assert read_trace(path).tolist() == [0.0, 0.0]


def test_a_time_with_a_zone_is_read(write) -> None:  # noqa: ANN001
    path = write(HEADER + "2024-05-10T00:00:00.5+00:00,1,1\n2024-05-10 01:00:02+01:00,1,1\n")
    assert read_trace(path).tolist() == pytest.approx([0.0, 1.5])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"line 1: the header must be TIMESTAMP,ContextTokens,GeneratedTokens\."),
        ("a,b,c\n", r"line 1: the header must be"),
        (HEADER, r"holds no arrival after its header; give at least one line\."),
        (HEADER + FIRST + "2023-11-16 18:17:03.9,1\n", r"line 3: 2 columns instead of 3;"),
        (HEADER + FIRST + "\n", r"line 3: 1 columns instead of 3;"),
        (HEADER + "yesterday,1,1\n", r"line 2, column TIMESTAMP: 'yesterday' is not a time such as"),
        (HEADER + "2023-02-30 00:00:00,1,1\n", r"line 2, column TIMESTAMP: '2023-02-30 00:00:00' is not"),
        (HEADER + "2023-11-16 18:17:03.9,-1,1\n", r"line 2, column ContextTokens: '-1' is not a whole number"),
        (HEADER + "2023-11-16 18:17:03.9,1,1.5\n", r"line 2, column GeneratedTokens: '1\.5' is not a whole"),
        (HEADER + "9" * 10_000, r"line 2: 1 columns"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(write, text: str, sentence: str) -> None:  # noqa: ANN001
    with pytest.raises(InputError, match=sentence) as caught:
        read_trace(write(text))
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_file_of_another_encoding_is_refused(write) -> None:  # noqa: ANN001
    with pytest.raises(InputError, match="not UTF-8"):
        read_trace(write(HEADER + "ä\n", "latin-1"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read \(No such file"):
        read_trace(tmp_path / "none.csv")


def test_a_trace_of_too_many_lines_is_refused(write, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN001
    monkeypatch.setattr(trace, "MAX_ARRIVALS", 2)
    with pytest.raises(InputError, match="more than 2 arrivals; cut it"):
        read_trace(write(HEADER + FIRST * 3))


def test_scaling_gives_the_wanted_rate_and_length_and_keeps_the_shape() -> None:
    arrivals_s = np.array([0.0, 10.0, 11.0, 12.0, 50.0, 60.0, 99.0, 100.0, 130.0])
    scaled_s = scale(arrivals_s, rate_rps=2.0, length_s=4.0)
    assert len(scaled_s) == 8
    assert scaled_s == pytest.approx(arrivals_s[:8] * 4.0 / 130.0)


def test_scaling_may_start_within_the_trace() -> None:
    scaled_s = scale(np.array([0.0, 10.0, 11.0, 12.0, 50.0]), rate_rps=1.0, length_s=2.0, start_s=5.0)
    assert scaled_s == pytest.approx([0.0, 1.0])


def test_scaling_refuses_what_the_trace_cannot_give() -> None:
    with pytest.raises(InputError, match="3 arrivals after 0 s, fewer than 11; ask for a lower rate"):
        scale(np.array([0.0, 1.0, 2.0]), rate_rps=1.0, length_s=10.0)
    with pytest.raises(InputError, match="one moment"):
        scale(np.zeros(5), rate_rps=1.0, length_s=2.0)


def test_poisson_arrivals_have_their_rate_and_follow_the_seed() -> None:
    arrivals_s = poisson(rate_rps=100.0, length_s=50.0, seed=1)
    assert len(arrivals_s) == pytest.approx(5000, rel=0.06)
    assert (np.diff(arrivals_s) >= 0).all()
    assert arrivals_s[0] >= 0
    assert arrivals_s[-1] <= 50
    assert (poisson(rate_rps=100.0, length_s=50.0, seed=1) == arrivals_s).all()
    assert len(poisson(rate_rps=100.0, length_s=50.0, seed=2)) != len(arrivals_s)
