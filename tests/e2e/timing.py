"""The steps of a run with their minutes, as they end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Steps"]


class Steps:
    """Seconds of every step that went well."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time what is inside; a step that fails is named too."""
        began_s = time.monotonic()
        try:
            yield
        except BaseException:
            print(f"  failed  {title}, after {(time.monotonic() - began_s) / 60:.1f} min", flush=True)
            raise
        self.seconds[title] = round(time.monotonic() - began_s, 1)
        print(f"{self.seconds[title] / 60:5.1f} min  {title}", flush=True)
