"""Arrival traces: when requests came, read from a file, drawn, or sped up to a wanted rate.

The file form is that of the Azure LLM inference traces of 2023. It sends nothing and reads no clock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from besteffort_cli.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["COLUMNS", "MAX_ARRIVALS", "poisson", "read_trace", "scale"]

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
MAX_ARRIVALS = 2_000_000
_MAX_LINE = 200
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def read_trace(path: Path) -> NDArray[np.float64]:
    """Read a trace as sorted seconds since its first arrival.

    Raises:
        InputError: the file cannot be read, is empty or too long, or a line is broken.
    """
    try:
        with path.open(encoding="utf-8") as file:
            _require_header(path, file.readline(_MAX_LINE))
            times_s: list[float] = []
            while line := file.readline(_MAX_LINE):
                times_s.append(_time_s(path, len(times_s) + 2, line))
                if len(times_s) > MAX_ARRIVALS:
                    raise InputError(f"{path} holds more than {MAX_ARRIVALS} arrivals; cut it.")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a trace.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; give a CSV trace with the header {','.join(COLUMNS)}.") from error
    if not times_s:
        raise InputError(f"{path} holds no arrival after its header; give at least one line.")
    arrivals_s: NDArray[np.float64] = np.sort(np.array(times_s))
    arrivals_s -= arrivals_s[0]
    return arrivals_s


def _require_header(path: Path, line: str) -> None:
    if line.lstrip("\ufeff").rstrip("\r\n") != ",".join(COLUMNS):
        raise InputError(f"{path}, line 1: the header must be {','.join(COLUMNS)}.")


def _time_s(path: Path, number: int, line: str) -> float:
    """Return the seconds since the epoch of one line; a time without a zone counts as UTC."""
    fields = line.rstrip("\r\n").split(",")
    if len(fields) != len(COLUMNS):
        raise InputError(
            f"{path}, line {number}: {len(fields)} columns instead of {len(COLUMNS)}; write {','.join(COLUMNS)}."
        )
    for column, field in zip(COLUMNS[1:], fields[1:], strict=True):
        if not _COUNT.fullmatch(field):
            raise InputError(f"{path}, line {number}, column {column}: {field[:40]!r} is not a whole number of tokens.")
    moment = _moment(fields[0])
    if moment is None:
        raise InputError(
            f"{path}, line {number}, column {COLUMNS[0]}: {fields[0][:40]!r} is not a time "
            "such as 2023-11-16 18:17:03.979."
        )
    return moment.timestamp()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:  # the 30th of February
        return None
    return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment


def scale(
    arrivals_s: NDArray[np.float64], *, rate_rps: float, length_s: float, start_s: float = 0.0
) -> NDArray[np.float64]:
    """Speed the trace from start_s on up (or slow it down) to a mean rate, cut to a length, the bursts kept.

    Raises:
        InputError: too few arrivals follow start_s.
    """
    wanted = max(1, round(rate_rps * length_s))
    first = int(np.searchsorted(arrivals_s, start_s))
    if first + wanted >= len(arrivals_s):
        raise InputError(
            f"The trace has {len(arrivals_s) - first} arrivals after {start_s:g} s, fewer than {wanted + 1}; "
            "ask for a lower rate or a shorter length."
        )
    window_s: NDArray[np.float64] = arrivals_s[first : first + wanted + 1] - arrivals_s[first]
    if window_s[-1] <= 0:
        raise InputError("All arrivals of the trace came at one moment; give a trace with differing times.")
    window_s *= length_s / window_s[-1]
    return window_s[:-1]


def poisson(*, rate_rps: float, length_s: float, seed: int) -> NDArray[np.float64]:
    """Draw arrivals without memory at a mean rate; the same seed gives the same arrivals."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate_rps * length_s)
    return np.sort(rng.uniform(0.0, length_s, count))
