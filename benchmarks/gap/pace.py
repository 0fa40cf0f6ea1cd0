"""How the speed of a machine moved while it served: what each batch took, for the requests that were in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from besteffort_cli.record import Record

__all__ = ["batches_since", "pace", "timed_repository"]

BEGAN, ENDED, REQUESTS, BUSY = range(4)
"""The columns of batches.csv, see timed_model.py."""
LEAST_BATCHES = 5
"""That tell how long a batch of so many requests takes in the mean."""


def timed_repository(models: Path, to: Path) -> Path:
    """Copy models so that they note what each batch took; return the folder that holds them."""
    shutil.copytree(models, to, dirs_exist_ok=True)
    for path in to.glob("*/1/model.py"):
        path.rename(path.with_name("served.py"))
        shutil.copy(Path(__file__).with_name("timed_model.py"), path)
    return to


def batches_since(folder: Path, models: Sequence[str], began_s: float) -> list[NDArray[np.float64]]:
    """Return the batches of each model that began since then, (batches, 4), in the folder of a stack."""
    found = []
    for model in models:
        (path,) = folder.glob(f"*/models/{model}/1/batches.csv")
        rows = np.array([line.split(",") for line in path.read_text().splitlines()], dtype=np.float64).reshape(-1, 4)
        found.append(rows[rows[:, BEGAN] >= began_s])
    return found


def pace(
    records: Sequence[Record],
    sizes: Sequence[str],
    batches: Sequence[NDArray[np.float64]],
    batch_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return for each request by how much longer its batch took than a mean one of its size and number, (n,).

    The first batch began with the first request, and a batch ends before its answers come. Who was not answered gets
    the last one that had ended.
    """
    factors = [_factors(rows, batch_s[size]) for size, rows in enumerate(batches)]
    ended_s, every = _in_order([rows[:, ENDED] for rows in batches], factors)
    first_s = min(rows[0, BEGAN] for rows in batches if rows.size) - records[0].offset_s
    found = np.empty(len(records))
    for k, record in enumerate(records):
        end_s = first_s + record.offset_s + record.latency_s
        own = sizes.index(record.size) if record.answered and record.size in sizes else -1
        times_s, among = (ended_s, every) if own < 0 else (batches[own][:, ENDED], factors[own])
        found[k] = among[max(int(np.searchsorted(times_s, end_s)) - 1, 0)]
    return found


def _factors(rows: NDArray[np.float64], batch_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the processor seconds of each batch over the mean of those of as many requests.

    Where these are few the profile says how batches of other numbers compare.
    """
    requests, busy_s = rows[:, REQUESTS].astype(np.int64), rows[:, BUSY]
    mean_s = batch_s[requests] * (busy_s.sum() / max(batch_s[requests].sum(), 1e-9))
    for number in np.unique(requests):
        alike = requests == number
        if alike.sum() >= LEAST_BATCHES:
            mean_s[alike] = busy_s[alike].mean()
    return busy_s / mean_s


def _in_order(
    times_s: Sequence[NDArray[np.float64]], factors: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    joined_s, every = np.concatenate(times_s), np.concatenate(factors)
    order = np.argsort(joined_s)
    return joined_s[order], every[order]
